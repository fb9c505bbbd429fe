import { type IncomingMessage, request } from 'node:http';

const SOCKET = '/var/run/docker.sock';
const TIMEOUT_MS = 5000;

/** The host's engine, as far as images go. Every call answers undefined when there is none or it does not have the image. */
export async function inspectInEngine(name: string): Promise<{ readonly id: string } | undefined> {
  const response = await get(`/images/${encodeURIComponent(name)}/json`);
  if (response === undefined) return undefined;
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as { Id?: string };
  return body.Id === undefined ? undefined : { id: body.Id };
}

/** The image as a `docker save` archive. */
export function saveFromEngine(name: string): Promise<IncomingMessage | undefined> {
  return get(`/images/${encodeURIComponent(name)}/get`);
}

function get(path: string): Promise<IncomingMessage | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ socketPath: SOCKET, path, timeout: TIMEOUT_MS }, (response) => {
      if (response.statusCode === 200) {
        resolve(response);
        return;
      }
      response.resume();
      resolve(undefined);
    });
    outgoing.once('timeout', () => outgoing.destroy());
    outgoing.once('error', () => resolve(undefined));
    outgoing.end();
  });
}
