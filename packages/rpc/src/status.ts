import { status } from '@grpc/grpc-js';

export { status as StatusCode };
export type StatusName = keyof typeof status;

/** A gRPC status: what a handler throws to answer with it, and what a failed call rejects with. */
export class RpcError extends Error {
  /** gRPC's status code, e.g. 14 for UNAVAILABLE. */
  readonly code: status;
  /** The text on the wire. */
  readonly details: string;
  constructor(code: status, details: string, options?: ErrorOptions) {
    super(details, options);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
  }
}

/** `isRpcError(err, 'UNAVAILABLE', 'CANCELLED')`; with no names: any. */
export function isRpcError(error: unknown, ...names: StatusName[]): error is RpcError {
  return (
    error instanceof RpcError && (names.length === 0 || names.some((name) => status[name] === error.code))
  );
}

/** Anything thrown by grpc-js or by a handler as an `RpcError`; what carries no status becomes UNKNOWN. */
export function rpcErrorFrom(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') {
    const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
    // Whatever number is on the wire: unknown ones stay what they are.
    return new RpcError(error.code, details, { cause: error });
  }
  return new RpcError(status.UNKNOWN, error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
