import { connect, createServer, type Server } from 'node:net';
import { errorMessage } from '@kubelab/component-base';
import type { KeptProcess } from './keeper.ts';

/** What `kubelab` asks of a lab's supervisor: one JSON line there, one back. */
export type SupervisorRequest =
  | { readonly op: 'status' | 'shutdown' }
  | { readonly op: 'start' | 'stop' | 'kill' | 'pause' | 'resume'; readonly member: string };

export type SupervisorReply =
  | { readonly ok: true; readonly pid: number; readonly processes: readonly KeptProcess[] }
  | { readonly ok: false; readonly error: string };

const LINE_BYTES_MAX = 1 << 20;

/** One request; undefined when no supervisor listens. */
export function askSupervisor(
  socket: string,
  request: SupervisorRequest,
): Promise<SupervisorReply | undefined> {
  return new Promise((resolve, reject) => {
    let text = '';
    const connection = connect(socket, () => connection.write(`${JSON.stringify(request)}\n`));
    connection.setEncoding('utf8');
    connection.on('data', (part: string) => (text += part));
    connection.on('end', () =>
      text === '' ? resolve(undefined) : resolve(JSON.parse(text) as SupervisorReply),
    );
    connection.on('error', (error) => {
      const code = 'code' in error ? error.code : undefined;
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET') resolve(undefined);
      else reject(error);
    });
  });
}

export function serveSupervisor(
  socket: string,
  handle: (request: SupervisorRequest) => Promise<SupervisorReply>,
): Promise<Server> {
  const server = createServer((connection) => {
    let text = '';
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    connection.on('data', (part: string) => {
      text += part;
      if (text.length > LINE_BYTES_MAX) connection.destroy();
      if (!text.endsWith('\n')) return;
      void answer(text, handle).then((reply) => connection.end(JSON.stringify(reply)));
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => resolve(server));
  });
}

async function answer(
  text: string,
  handle: (request: SupervisorRequest) => Promise<SupervisorReply>,
): Promise<SupervisorReply> {
  try {
    return await handle(JSON.parse(text) as SupervisorRequest);
  } catch (error) {
    return { ok: false, error: errorMessage(error) };
  }
}
