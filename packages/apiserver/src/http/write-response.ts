import type { ServerResponse } from 'node:http';
import type { Clock } from '@kubelab/component-base';
import type { ApiResponse, StreamResponse, WatchResponse } from '../core/messages.ts';
import { pumpWatch } from '../respond/pump-watch.ts';

/** Of either protocol: node's HTTP/2 response has the same methods, though it is declared otherwise. */
export type AnyResponse = ServerResponse;

export async function writeResponse(
  to: AnyResponse,
  response: ApiResponse,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  const { headers, warnings, code } = response;
  const all = warnings.length === 0 ? headers : { ...headers, warning: warnings.map(warningHeader) };
  switch (response.kind) {
    case 'body':
      writeHead(to, code, { ...all, 'content-length': String(response.body.length) });
      to.end(response.body.length === 0 ? undefined : response.body);
      return;
    case 'watch':
      writeHead(to, code, all);
      to.flushHeaders();
      return writeWatch(to, response, clock, signal);
    case 'stream':
      writeHead(to, code, all);
      to.flushHeaders();
      return writeStream(to, response, signal);
  }
}

function writeHead(to: AnyResponse, code: number, headers: Record<string, string | string[]>): void {
  to.statusCode = code;
  for (const [name, value] of Object.entries(headers)) to.setHeader(name, value);
}

async function writeWatch(
  to: AnyResponse,
  response: WatchResponse,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { encoder } = response;
  await pumpWatch(response, { clock, signal }, async (batch) => {
    const frames = batch.map((event) => encoder.frame(event));
    const isTaken = to.write(
      frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames),
    );
    if (!isTaken) await drained(to, signal);
  });
  to.end();
}

async function writeStream(to: AnyResponse, { body }: StreamResponse, signal: AbortSignal): Promise<void> {
  try {
    for await (const chunk of body) {
      if (signal.aborted) return;
      if (!to.write(chunk)) await drained(to, signal);
    }
  } finally {
    to.end();
  }
}

/** Resolves when there is room again, or nobody left to write to. */
function drained(to: AnyResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      to.removeListener('drain', finish);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    to.once('drain', finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}

const WARNING_LENGTH_MAX = 1024;

/** `299 - "text"`, with what cannot stand in a header left out. */
function warningHeader(text: string): string {
  const clean = text.replaceAll(/[^\x20-\x7e]/g, ' ').slice(0, WARNING_LENGTH_MAX);
  return `299 - "${clean.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
