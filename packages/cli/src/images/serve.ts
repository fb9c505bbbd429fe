import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { inspectInEngine, saveFromEngine } from './engine.ts';
import type { ImageStore } from './store.ts';

/**
 * `GET /v1/images/inspect?name=` → `{id}`, `GET /v1/images/save?name=` → a `docker save` archive; 404 when nobody has it.
 * IMG-1: only a node's identity (`system:node:…`) is served. The host's engine comes first: it has what was built last.
 */
export function serveImages(store: ImageStore) {
  return async (identity: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!identity.startsWith('system:node:')) {
      response.writeHead(403).end('only nodes are served\n');
      return;
    }
    const url = new URL(request.url ?? '/', 'https://images');
    const name = url.searchParams.get('name') ?? '';
    if (request.method !== 'GET' || name === '') {
      response.writeHead(400).end('GET with ?name= is expected\n');
      return;
    }
    switch (url.pathname) {
      case '/v1/images/inspect':
        return inspect(name, response);
      case '/v1/images/save':
        return save(name, response);
      default:
        response.writeHead(404).end();
    }
  };

  async function inspect(name: string, response: ServerResponse): Promise<void> {
    const found = (await inspectInEngine(name)) ?? (await store.find(name));
    if (found === undefined) response.writeHead(404).end();
    else
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ id: found.id }));
  }

  async function save(name: string, response: ServerResponse): Promise<void> {
    const archive = await open(name);
    if (archive === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/x-tar' });
    await pipeline(archive, response);
  }

  async function open(name: string): Promise<Readable | undefined> {
    const fromEngine = (await inspectInEngine(name)) === undefined ? undefined : await saveFromEngine(name);
    if (fromEngine !== undefined) return fromEngine;
    const stored = await store.find(name);
    return stored === undefined ? undefined : createReadStream(store.path(stored));
  }
}
