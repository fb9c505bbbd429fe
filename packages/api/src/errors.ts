/**
 * What the API refuses, as data: one `ApiError` carrying the `Status` object that goes over the wire.
 * Reasons, codes, messages and details are upstream's (`k8s.io/apimachinery/pkg/api/errors`).
 */
import { type FieldError, fieldErrorBody, fieldErrorsMessage } from './field-errors.ts';

export type StatusReason =
  | 'Unauthorized'
  | 'Forbidden'
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'ServerTimeout'
  | 'StoreReadError'
  | 'Timeout'
  | 'TooManyRequests'
  | 'BadRequest'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestEntityTooLarge'
  | 'UnsupportedMediaType'
  | 'InternalError'
  | 'Expired'
  | 'ServiceUnavailable';

export interface StatusCause {
  /** The cause's type: `FieldValueInvalid`, `DisruptionBudget`, `ExitCode` … */
  reason?: string | undefined;
  message?: string | undefined;
  field?: string | undefined;
}

export interface StatusDetails {
  name?: string | undefined;
  group?: string | undefined;
  /** The plural resource in most refusals, the Kind in `Invalid`. */
  kind?: string | undefined;
  uid?: string | undefined;
  causes?: StatusCause[] | undefined;
  retryAfterSeconds?: number | undefined;
}

/** `v1.Status`: the body of every refusal and of some successes. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: { resourceVersion?: string | undefined; continue?: string | undefined };
  status: 'Success' | 'Failure';
  message?: string | undefined;
  reason?: StatusReason | undefined;
  details?: StatusDetails | undefined;
  code: number;
}

/** Enough of a `ResourceType` to name it in a message. */
export interface NamedResource {
  readonly group: string;
  readonly resource: string;
}

export interface NamedKind {
  readonly group: string;
  readonly kind: string;
}

export class ApiError extends Error {
  readonly status: Status;

  constructor(status: Status, options?: { cause?: unknown }) {
    super(status.message ?? status.reason ?? `status ${status.code}`, options);
    this.name = 'ApiError';
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): StatusReason | undefined {
    return this.status.reason;
  }

  get retryAfterSeconds(): number | undefined {
    return this.status.details?.retryAfterSeconds;
  }
}

/** True when `err` is an ApiError with one of the reasons (any reason when none is named). */
export function isStatus(err: unknown, ...reasons: StatusReason[]): err is ApiError {
  if (!(err instanceof ApiError)) return false;
  return reasons.length === 0 || (err.reason !== undefined && reasons.includes(err.reason));
}

/** True when one of the causes has this type, e.g. `NamespaceTerminating`. */
export function hasCause(err: unknown, causeReason: string): boolean {
  return err instanceof ApiError && (err.status.details?.causes ?? []).some((c) => c.reason === causeReason);
}

/**
 * From the wire. Bodies that are no proper Status still become one, so that callers see one kind of error.
 */
export function apiErrorFrom(status: Partial<Status> & { code?: number | undefined }): ApiError {
  const code = status.code ?? 500;
  const reason = status.reason ?? REASON_OF_CODE[code];
  return new ApiError({
    ...status,
    kind: 'Status',
    apiVersion: 'v1',
    metadata: status.metadata ?? {},
    status: 'Failure',
    reason,
    code,
  });
}

const REASON_OF_CODE: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): ApiError {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    code,
  };
  if (details !== undefined) status.details = details;
  return new ApiError(status);
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export function qualifiedResource(rt: NamedResource): string {
  return rt.group === '' ? rt.resource : `${rt.resource}.${rt.group}`;
}

/** `Pod`, `Deployment.apps`: how `Invalid` names a kind. */
export function qualifiedKind(rt: NamedKind): string {
  return rt.group === '' ? rt.kind : `${rt.kind}.${rt.group}`;
}

/** Details leave empty fields out, as Go's `omitempty` does. */
function detailsOf(name: string, group: string, kind: string, rest: StatusDetails = {}): StatusDetails {
  return { ...(name && { name }), ...(group && { group }), ...(kind && { kind }), ...rest };
}

const STALE_OBJECT =
  'the object has been modified; please apply your changes to the latest version and try again';

/** One constructor for each refusal. */
export const errors = {
  notFound(rt: NamedResource, name: string): ApiError {
    const message = `${qualifiedResource(rt)} "${name}" not found`;
    return failure(404, 'NotFound', message, detailsOf(name, rt.group, rt.resource));
  },

  /** A path that is no resource at all. */
  noSuchPath(): ApiError {
    return failure(404, 'NotFound', 'the server could not find the requested resource', {});
  },

  alreadyExists(rt: NamedResource, name: string): ApiError {
    const message = `${qualifiedResource(rt)} "${name}" already exists`;
    return failure(409, 'AlreadyExists', message, detailsOf(name, rt.group, rt.resource));
  },

  generateNameConflict(rt: NamedResource, name: string, retryAfterSeconds = 1): ApiError {
    const why = 'the server was not able to generate a unique name for the object';
    const message = `${qualifiedResource(rt)} "${name}" already exists, ${why}`;
    return failure(
      409,
      'AlreadyExists',
      message,
      detailsOf(name, rt.group, rt.resource, { retryAfterSeconds }),
    );
  },

  conflict(rt: NamedResource, name: string, why = STALE_OBJECT): ApiError {
    const message = `Operation cannot be fulfilled on ${qualifiedResource(rt)} "${name}": ${why}`;
    return failure(409, 'Conflict', message, detailsOf(name, rt.group, rt.resource));
  },

  /** Server-side apply: fields owned by others. */
  applyConflict(causes: StatusCause[], message: string): ApiError {
    return failure(409, 'Conflict', message, { causes });
  },

  invalid(rt: NamedKind, name: string, list: readonly FieldError[]): ApiError {
    const causes = list.map((e) => ({ reason: e.type, message: fieldErrorBody(e), field: e.field }));
    const head = `${qualifiedKind(rt)} "${name}" is invalid`;
    const message = list.length === 0 ? head : `${head}: ${fieldErrorsMessage(list)}`;
    return failure(
      422,
      'Invalid',
      message,
      detailsOf(name, rt.group, rt.kind, causes.length > 0 ? { causes } : {}),
    );
  },

  /** `rt` undefined for non-resource paths; `name` empty for collections. */
  forbidden(rt: NamedResource | undefined, name: string, why: string, causes?: StatusCause[]): ApiError {
    const subject = rt === undefined || rt.resource === '' ? '' : qualifiedResource(rt);
    const named = name === '' ? `${subject} is forbidden` : `${subject} "${name}" is forbidden`;
    const message = subject === '' ? `forbidden: ${why}` : `${named}: ${why}`;
    const details = detailsOf(
      name,
      rt?.group ?? '',
      rt?.resource ?? '',
      causes === undefined ? {} : { causes },
    );
    return failure(403, 'Forbidden', message, details);
  },

  badRequest(message: string): ApiError {
    return failure(400, 'BadRequest', message);
  },

  unauthorized(message = 'Unauthorized'): ApiError {
    return failure(401, 'Unauthorized', message);
  },

  /** History or continue token is gone; `metadata.continue` may offer an inconsistent continuation. */
  expired(message: string, inconsistentContinue?: string): ApiError {
    const error = failure(410, 'Expired', message);
    if (inconsistentContinue !== undefined) error.status.metadata.continue = inconsistentContinue;
    return error;
  },

  gone(message: string): ApiError {
    return failure(410, 'Gone', message);
  },

  tooManyRequests(message: string, retryAfterSeconds?: number, causes?: StatusCause[]): ApiError {
    const details: StatusDetails = {};
    if (causes !== undefined) details.causes = causes;
    if (retryAfterSeconds !== undefined && retryAfterSeconds > 0)
      details.retryAfterSeconds = retryAfterSeconds;
    return failure(429, 'TooManyRequests', message, details);
  },

  methodNotAllowed(rt: NamedResource, action: string): ApiError {
    const message = `${action} is not supported on resources of kind "${qualifiedResource(rt)}"`;
    return failure(405, 'MethodNotAllowed', message, detailsOf('', rt.group, rt.resource));
  },

  notAcceptable(accepted: readonly string[]): ApiError {
    const message = `only the following media types are accepted: ${accepted.join(', ')}`;
    return failure(406, 'NotAcceptable', message);
  },

  unsupportedMediaType(accepted: readonly string[]): ApiError {
    const list = accepted.join(', ');
    const message = `the body of the request was in an unknown format - accepted media types include: ${list}`;
    return failure(415, 'UnsupportedMediaType', message);
  },

  requestEntityTooLarge(why: string): ApiError {
    return failure(413, 'RequestEntityTooLarge', `Request entity too large: ${why}`);
  },

  internalError(err: unknown): ApiError {
    const text = err instanceof Error ? err.message : String(err);
    return failure(500, 'InternalError', `Internal error occurred: ${text}`, { causes: [{ message: text }] });
  },

  serverTimeout(rt: NamedResource, operation: string, retryAfterSeconds = 0): ApiError {
    const where = `The ${operation} operation against ${qualifiedResource(rt)}`;
    const details = detailsOf(operation, rt.group, rt.resource);
    if (retryAfterSeconds > 0) details.retryAfterSeconds = retryAfterSeconds;
    return failure(
      500,
      'ServerTimeout',
      `${where} could not be completed at this time, please try again.`,
      details,
    );
  },

  serviceUnavailable(message: string, retryAfterSeconds?: number): ApiError {
    return failure(
      503,
      'ServiceUnavailable',
      message,
      retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
    );
  },

  timeout(why: string, retryAfterSeconds?: number): ApiError {
    return failure(
      504,
      'Timeout',
      `Timeout: ${why}`,
      retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    );
  },

  /** The client has seen a newer state than this server has. */
  tooLargeResourceVersion(asked: number | string, current: number | string): ApiError {
    const error = errors.timeout(`Too large resource version: ${asked}, current: ${current}`, 1);
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }];
    error.status.details = { causes, retryAfterSeconds: 1 };
    return error;
  },
};

/** The body of a success without an object: eviction, binding, immediate deletion. */
export function successStatus(details?: StatusDetails, code = 200): Status {
  const status: Status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code };
  if (details !== undefined) status.details = details;
  return status;
}
