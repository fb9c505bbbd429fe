import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:tls';
import type { Duplex } from 'node:stream';
import { runComponent } from '@kubelab/component-base';

const flags = {
  port: { type: 'number', required: true, description: 'port on 127.0.0.1' },
  server: { type: 'string', required: true, description: 'the API, https://host:port' },
  'certificate-authority': { type: 'string', required: true, description: 'CA of the API' },
  'client-certificate': { type: 'string', required: true, description: 'identity to use' },
  'client-key': { type: 'string', required: true, description: 'its key' },
} as const;

/**
 * A loopback proxy that adds the administrator's identity: `kubectl -s 127.0.0.1:N get node`.
 * PROXY-1: a Host that is not this port on loopback, or any Origin, is refused: no web page may use it.
 */
export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'proxy',
      summary: 'Serves the API on loopback without credentials, as the administrator.',
      flags,
      async start({ flags, log, onStop }) {
        const [ca, cert, key] = await Promise.all(
          [flags['certificate-authority'], flags['client-certificate'], flags['client-key']].map((path) =>
            readFile(path),
          ),
        );
        const target = new URL(flags.server);
        const identity = { host: target.hostname, port: Number(target.port), ca, cert, key };
        const server = createServer((incoming, response) => {
          if (isForeign(incoming, flags.port)) refuse(response);
          else forward(incoming, response);
        });
        server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
          if (isForeign(incoming, flags.port))
            socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
          else tunnel(incoming, socket, head);
        });
        server.requestTimeout = 0;
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(flags.port, '127.0.0.1', resolve);
        });
        onStop(() => server.closeAllConnections());
        log.info('proxying', { port: flags.port, server: flags.server });

        function forward(incoming: IncomingMessage, response: ServerResponse): void {
          const { url: path, method, headers } = incoming;
          const outgoing = request(
            { ...identity, path, method, headers: { ...headers, host: target.host } },
            (answer) => {
              response.writeHead(answer.statusCode ?? 502, answer.headers);
              response.flushHeaders();
              answer.pipe(response);
            },
          );
          outgoing.on('error', () =>
            response.headersSent
              ? response.destroy()
              : response.writeHead(502).end('no API server answers\n'),
          );
          response.on('close', () => outgoing.destroy());
          incoming.pipe(outgoing);
        }

        function tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
          const upstream = connect({ ...identity, ALPNProtocols: ['http/1.1'] }, () => {
            upstream.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${rawHeaders(incoming)}\r\n`);
            upstream.write(head);
            socket.pipe(upstream).pipe(socket);
          });
          const end = () => {
            socket.destroy();
            upstream.destroy();
          };
          for (const side of [socket, upstream]) side.on('error', end).on('close', end);
        }
      },
    },
    argv,
  );
}

/** A browser names its page (Origin) or another host; kubectl does neither. */
export function isForeign({ headers }: Pick<IncomingMessage, 'headers'>, port: number): boolean {
  return (
    headers.origin !== undefined ||
    ![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(headers.host ?? '')
  );
}

function refuse(response: ServerResponse): void {
  response
    .writeHead(403, { 'content-type': 'text/plain' })
    .end('requests of web pages and for other hosts are refused\n');
}

function rawHeaders({ rawHeaders }: IncomingMessage): string {
  let text = '';
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return text;
}

if (import.meta.main) await main(process.argv.slice(2));
