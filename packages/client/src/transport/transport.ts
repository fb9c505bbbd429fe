import type { KubeObject, Status } from '@kubelab/api';
import type { CallRequest, CallResponse } from '@kubelab/rpc/kube-api';

/**
 * One API server over one wire. Two implementations: `rest.ts` (any Kubernetes API server) and `grpc.ts`
 * (kubelab's own door).
 */
export interface Transport {
  /**
   * Resolves with whatever the server answered, refusals too; throws `TransportError` when it did not
   * answer.
   */
  call(request: CallRequest, timeoutMs: number): Promise<TransportResponse>;
  /**
   * The frames of one watch until the server ends it or `signal` is aborted (both end the iteration cleanly).
   * Throws `ApiError` when the server refuses the watch, `TransportError` when the connection is lost.
   */
  watch(path: string, query: string, signal: AbortSignal): AsyncIterable<WatchFrame>;
  close(): void;
}

export interface TransportResponse extends CallResponse {
  /** Of the `Retry-After` header, where the wire has one. */
  readonly retryAfterSeconds?: number | undefined;
}

export type WatchFrame =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: KubeObject }
  | { readonly type: 'ERROR'; readonly object: Status };

/** A server that did not answer: refused, reset, timed out, or left because another call found it dead. */
export class TransportError extends Error {
  readonly server: string;
  /** The request may have reached the server: a write must not be sent again. */
  readonly maybeSent: boolean;
  readonly timedOut: boolean;
  constructor(server: string, why: string, facts: TransportFacts) {
    super(`${server}: ${why}`, { cause: facts.cause });
    this.name = 'TransportError';
    this.server = server;
    this.maybeSent = facts.maybeSent;
    this.timedOut = facts.timedOut ?? false;
  }
}

interface TransportFacts {
  readonly maybeSent: boolean;
  readonly timedOut?: boolean | undefined;
  readonly cause?: unknown;
}
