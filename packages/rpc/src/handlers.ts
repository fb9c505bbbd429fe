import type { X509Certificate } from 'node:crypto';

/** What a handler may know of its caller, whatever server it runs on. */
export interface CallInfo {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  /** The first value of a metadata key, which is given in lower case; a `-bin` value as on the wire, in base64. */
  header(name: string): string | undefined;
  /** Every metadata key once, with its first value. */
  headers(): Iterable<readonly [name: string, value: string]>;
  /** That of the client's certificate, verified in the handshake. */
  readonly clientCommonName: string | undefined;
  readonly clientCertificate: X509Certificate | undefined;
  /** On the monotonic clock; undefined when the client set none. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the client is gone, has cancelled, or its deadline is over: nobody waits for an answer any more. */
  readonly signal: AbortSignal;
  /** Address and port of the other end. */
  readonly peer: string;
}

/**
 * A call with a stream of messages, on one side or both. Its requests are either iterated or given to
 * `onMessage`, not both; whoever iterates slowly slows the client down.
 */
export interface ServerStream<Req, Res> extends CallInfo, AsyncIterable<Req> {
  /** Every request in order, from the first on, as it comes. */
  onMessage(listener: (request: Req) => void): void;
  /** Resolves, never rejects, when no request will follow: the client has said its last, or is gone. */
  readonly ended: Promise<void>;
  /** False: the client reads slowly; wait for `drained`. Without effect once the client is gone. */
  write(response: Res): boolean;
  /** Resolves, never rejects, when there is room again, or nobody to write to. */
  drained(): Promise<void>;
  /** The client is gone, or has been answered to the end. */
  readonly isOver: boolean;
}

/** What it throws is answered as a status: an `RpcError`, or any error with gRPC's `code` and `details`. */
export type UnaryHandler<Req, Res> = (request: Req, call: CallInfo) => Promise<Res> | Res;
/** Ends the stream by returning; whatever is thrown becomes its status. */
export type ServerStreamHandler<Req, Res> = (
  request: Req,
  stream: ServerStream<unknown, Res>,
) => Promise<void>;
/** For client streams as well: they write their one response. */
export type BidiHandler<Req, Res> = (stream: ServerStream<Req, Res>) => Promise<void>;

/** One handler for each RPC of a service, by the RPC's name. RPCs without one answer UNIMPLEMENTED. */
export interface ServiceHandlers {
  // The request and response types are those of the proto file; each service states them in its own
  // interface.
  readonly unary?: Readonly<Record<string, UnaryHandler<never, unknown>>>;
  readonly serverStream?: Readonly<Record<string, ServerStreamHandler<never, never>>>;
  readonly bidi?: Readonly<Record<string, BidiHandler<never, never>>>;
}
