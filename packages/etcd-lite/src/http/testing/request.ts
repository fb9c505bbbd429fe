import type { HttpRequest, HttpResponse } from '../message.ts';

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** In the pieces in which it comes. */
  readonly body?: readonly string[];
  readonly signal?: AbortSignal;
  readonly isSecure?: boolean;
}

/** A request without a connection. */
export function request(url: string, asked: Asked = {}): HttpRequest {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  return {
    method: asked.method ?? 'GET',
    path: pathname,
    query: searchParams,
    headers: asked.headers ?? {},
    body: pieces(asked.body ?? []),
    isSecure: asked.isSecure ?? false,
    peer: '127.0.0.1:1',
    signal: asked.signal ?? new AbortController().signal,
  };
}

// Bodies come as they come.
// oxlint-disable-next-line require-await -- bytes have to come asynchronously, and these are there already
async function* pieces(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** The whole body of an answer. */
export async function textOf({ body }: HttpResponse): Promise<string> {
  if (typeof body === 'string') return body;
  let text = '';
  for await (const piece of body) text += piece;
  return text;
}
