import {
  type sendUnaryData,
  Server,
  type ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { must } from '@kubelab/component-base';
import { rpcErrorFrom } from './status.ts';

/** What a handler may know of its caller. */
export type CallInfo = Pick<
  ServerUnaryCall<unknown, unknown>,
  'metadata' | 'getAuthContext' | 'getPeer' | 'getDeadline'
> & { on(event: 'cancelled', listener: () => void): unknown };
export type UnaryHandler<Req, Res> = (request: Req, call: CallInfo) => Promise<Res> | Res;
/**
 * Ends the stream by returning; whatever is thrown becomes its status. `call` emits 'cancelled' when the
 * client is gone.
 */
export type ServerStreamHandler<Req, Res> = (call: ServerWritableStream<Req, Res>) => Promise<void>;
export type BidiHandler<Req, Res> = (call: ServerDuplexStream<Req, Res>) => Promise<void>;

/** One handler for each RPC of a service, by the RPC's name. RPCs without one answer UNIMPLEMENTED. */
export interface ServiceHandlers {
  // The request and response types are those of the proto file; each service states them in its own
  // interface.
  readonly unary?: Readonly<Record<string, UnaryHandler<never, unknown>>>;
  readonly serverStream?: Readonly<Record<string, ServerStreamHandler<never, never>>>;
  readonly bidi?: Readonly<Record<string, BidiHandler<never, never>>>;
}

export interface ServerOptions {
  /** Of one request message. */
  readonly receiveBytesMax?: number;
  readonly keepaliveTimeMs?: number;
}

const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

export function grpcServer(options: ServerOptions = {}): Server {
  return new Server({
    'grpc.max_receive_message_length': options.receiveBytesMax ?? RECEIVE_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
    'grpc.enable_channelz': 0,
  });
}

export function addService(server: Server, definition: ServiceDefinition, handlers: ServiceHandlers): void {
  const served: UntypedServiceImplementation = {};
  const defined: Record<string, ServiceDefinition[string]> = {};
  const add = (name: string, handler: UntypedHandleCall): void => {
    defined[name] = must(definition[name], `RPC ${name}`);
    served[name] = handler;
  };
  for (const [name, handler] of Object.entries(handlers.unary ?? {})) add(name, unary(handler));
  for (const [name, handler] of Object.entries(handlers.serverStream ?? {})) add(name, stream(handler));
  for (const [name, handler] of Object.entries(handlers.bidi ?? {})) add(name, stream(handler));
  server.addService(defined, served);
}

/** Resolves to the port; with port 0 the system picks a free one. */
export function listen(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
}

/** Lets calls under way finish for a while, then cuts them off. */
export function stopServer(server: Server, graceMs = 1000): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

function unary(handler: UnaryHandler<never, unknown>): UntypedHandleCall {
  // The proto file's codecs give the handler the type it states.
  const handle = handler as UnaryHandler<unknown, unknown>;
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    const answer = async (): Promise<void> => {
      let value: unknown;
      try {
        value = await handle(call.request, call);
      } catch (error) {
        callback(rpcErrorFrom(error));
        return;
      }
      callback(null, value);
    };
    void answer();
  };
}

function stream(handler: BidiHandler<never, never> | ServerStreamHandler<never, never>): UntypedHandleCall {
  const handle = handler as BidiHandler<unknown, unknown>;
  return (call: ServerDuplexStream<unknown, unknown>): void => {
    // Without a listener a broken connection would end the process; the handler hears of it by 'cancelled'.
    call.on('error', () => undefined);
    handle(call).then(
      () => call.end(),
      (error: unknown) => call.destroy(rpcErrorFrom(error)),
    );
  };
}
