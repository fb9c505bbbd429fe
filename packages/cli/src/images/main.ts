import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { errorMessage, runComponent, UsageError } from '@kubelab/component-base';
import { parseAddress } from '@kubelab/lb';
import { serveImages } from './serve.ts';
import { ImageStore } from './store.ts';

const flags = {
  listen: { type: 'string', default: '0.0.0.0:5443', description: 'host:port' },
  'client-ca-file': { type: 'string', required: true, description: 'CA of the nodes' },
  'tls-cert-file': { type: 'string', required: true, description: 'serving certificate' },
  'tls-private-key-file': { type: 'string', required: true, description: 'its key' },
  'images-dir': { type: 'string', required: true, description: 'folder with image archives and their index' },
} as const;

/** The lab's image server: the only member that may hold the host engine's socket. */
export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'images',
      summary: "Gives nodes the images they ask for: from the lab's archives, or from the host's engine.",
      flags,
      async start({ flags, log, onStop }) {
        const address = parseAddress(flags.listen);
        if (address === undefined) throw new UsageError(`"${flags.listen}" is not host:port`);
        const [ca, cert, key] = await Promise.all(
          [flags['client-ca-file'], flags['tls-cert-file'], flags['tls-private-key-file']].map((path) =>
            readFile(path),
          ),
        );
        const serve = serveImages(new ImageStore(flags['images-dir']));
        const server = createServer(
          { ca, cert, key, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
          (request, response) => {
            const identity = String((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? '');
            serve(identity, request, response).catch((error: unknown) => {
              log.warn('request failed', { err: errorMessage(error), url: request.url });
              response.destroy();
            });
          },
        );
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen(address.port, address.host, resolve);
        });
        onStop(() => server.closeAllConnections());
        log.info('serving images', { listen: flags.listen });
      },
    },
    argv,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
