import type { ApiError } from '@kubelab/api';
import type { BodyResponse } from '../core/messages.ts';

export function body(
  code: number,
  contentType: string,
  bytes: Uint8Array,
  warnings: readonly string[] = [],
): BodyResponse {
  return { kind: 'body', code, headers: { 'content-type': contentType }, body: bytes, warnings };
}

export function textBody(code: number, text: string): BodyResponse {
  return body(code, 'text/plain; charset=utf-8', Buffer.from(text));
}

export function jsonBody(
  code: number,
  object: object,
  options: {
    readonly warnings?: readonly string[];
    readonly pretty?: boolean;
    readonly contentType?: string;
  } = {},
): BodyResponse {
  const text = options.pretty === true ? `${JSON.stringify(object, null, 2)}\n` : JSON.stringify(object);
  return body(code, options.contentType ?? 'application/json', Buffer.from(text), options.warnings);
}

/** A refusal as it goes over the wire. */
export function errorBody(error: ApiError, warnings: readonly string[] = []): BodyResponse {
  const response = jsonBody(error.code, error.status, { warnings });
  const retryAfter = error.retryAfterSeconds;
  if (retryAfter === undefined) return response;
  return { ...response, headers: { ...response.headers, 'retry-after': String(retryAfter) } };
}
