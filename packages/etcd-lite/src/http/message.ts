/** A request and its answer, whatever carries them. */
export interface HttpRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
  /** It came through TLS. */
  readonly isSecure: boolean;
  /** Address and port of the other end. */
  readonly peer: string;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is iterated goes out as it comes. */
  readonly body: string | AsyncIterable<string>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse;

/** As Go's `http.Error` answers: plain text, a line, never taken for anything else. */
export function plainError(status: number, text: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
    body: `${text}\n`,
  };
}

/** Undefined: the method is the one allowed. */
export function refuseMethod(request: HttpRequest, allowed: string): HttpResponse | undefined {
  if (request.method === allowed) return undefined;
  const refusal = plainError(405, 'Method Not Allowed');
  return { ...refusal, headers: { ...refusal.headers, allow: allowed } };
}
