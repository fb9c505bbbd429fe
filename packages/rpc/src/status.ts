/** gRPC's, under the names that it has for them. Our own, so that servers need not load grpc-js. */
export const StatusCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type StatusName = keyof typeof StatusCode;
export type StatusCode = (typeof StatusCode)[StatusName];

/** A gRPC status: what a handler throws to answer with it, and what a failed call rejects with. */
export class RpcError extends Error {
  /** gRPC's status code, e.g. 14 for UNAVAILABLE; or whatever number was on the wire. */
  readonly code: number;
  /** The text on the wire. */
  readonly details: string;
  constructor(code: number, details: string, options?: ErrorOptions) {
    super(details, options);
    this.name = 'RpcError';
    this.code = code;
    this.details = details;
  }
}

/** `isRpcError(err, 'UNAVAILABLE', 'CANCELLED')`; with no names: any. */
export function isRpcError(error: unknown, ...names: StatusName[]): error is RpcError {
  return (
    error instanceof RpcError && (names.length === 0 || names.some((name) => StatusCode[name] === error.code))
  );
}

/** `UNAVAILABLE` for 14; an unknown one as it is. */
export function statusName(code: number): string {
  return Object.entries(StatusCode).find(([, known]) => known === code)?.[0] ?? String(code);
}

/** Anything thrown by grpc-js or by a handler as an `RpcError`; what carries no status becomes UNKNOWN. */
export function rpcErrorFrom(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') {
    const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
    return new RpcError(error.code, details, { cause: error });
  }
  return new RpcError(StatusCode.UNKNOWN, error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
