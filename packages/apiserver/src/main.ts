import { readFileSync } from 'node:fs';
import { runComponent } from '@kubelab/component-base';
import { FLAGS } from './flags.ts';
import { GrpcDoor } from './grpc/door.ts';
import { HttpDoor } from './http/door.ts';
import { createApiServer } from './server.ts';
import { createEtcdStore } from './store/etcd-store.ts';

export async function main(argv: readonly string[]): Promise<void> {
  await runComponent(
    {
      name: 'apiserver',
      summary: 'The API server: one request pipeline with a REST and a gRPC door.',
      flags: FLAGS,
      async start({ flags, clock, log, random, onStop }) {
        const read = (path: string) => readFileSync(path);
        const tls =
          flags['etcd-cafile'] === undefined
            ? undefined
            : {
                ca: read(flags['etcd-cafile']),
                ...(flags['etcd-certfile'] === undefined ? {} : { cert: read(flags['etcd-certfile']) }),
                ...(flags['etcd-keyfile'] === undefined ? {} : { key: read(flags['etcd-keyfile']) }),
              };
        const store = createEtcdStore({ endpoints: flags['etcd-servers'], tls, clock, log });
        const { pipeline, objects } = createApiServer({ serverAddress: '' }, { store, clock, random, log });
        await objects.cache.start();
        const door = new HttpDoor({
          pipeline,
          clock,
          log,
          tls: {
            cert: read(flags['tls-cert-file']),
            key: read(flags['tls-private-key-file']),
            clientCa: read(flags['client-ca-file']),
          },
          upgrade: () => Promise.reject(new Error('not yet')),
        });
        const port = await door.listen(flags['bind-address'], flags['secure-port']);
        onStop(() => door.close());
        const grpc = new GrpcDoor({
          pipeline,
          clock,
          log,
          tls: {
            cert: read(flags['tls-cert-file']),
            key: read(flags['tls-private-key-file']),
            clientCa: read(flags['client-ca-file']),
          },
        });
        const grpcPort = await grpc.listen(flags['bind-address'], flags['grpc-port']);
        onStop(() => grpc.close());
        onStop(() => objects.cache.stop());
        log.info('serving', { port, grpcPort });
      },
    },
    argv,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
