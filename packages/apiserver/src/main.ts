import { runComponent } from '@kubelab/component-base';
import { FLAGS } from './flags.ts';
import { advertiseAddress, readConfig, readEtcdTls, readServingTls } from './read-config.ts';
import { GrpcDoor } from './grpc/door.ts';
import { HttpDoor } from './http/door.ts';
import { upgradeHandler } from './http/upgrade.ts';
import { ApiServer } from './server.ts';
import { createEtcdStore } from './store/etcd-store.ts';

/** The API server's life, in order. */
export async function main(argv: readonly string[]): Promise<void> {
  await runComponent(
    {
      name: 'apiserver',
      summary: 'The API server: one request pipeline with a REST and a gRPC door.',
      flags: FLAGS,
      async start({ flags, clock, log, random, onStop }) {
        // 1. The store, and everything behind the doors.
        const store = createEtcdStore({
          endpoints: flags['etcd-servers'],
          tls: readEtcdTls(flags),
          clock,
          log,
        });
        onStop(() => store.close());
        const config = readConfig(flags, advertiseAddress(flags));
        const server = new ApiServer(config, { store, clock, random, log });
        onStop(() => server.stop());

        // 2. The doors: they answer health at once, everything else when the cache is loaded.
        const { pipeline } = server;
        const tls = readServingTls(flags);
        const http = new HttpDoor({ pipeline, clock, log, tls, upgrade: upgradeHandler(server) });
        const grpc = new GrpcDoor({ pipeline, clock, log, tls });
        const port = await http.listen(flags['bind-address'], flags['secure-port']);
        const grpcPort = await grpc.listen(flags['bind-address'], flags['grpc-port']);
        onStop(() => Promise.all([http.close(), grpc.close()]).then(() => undefined));
        onStop(() => server.objects.cache.closeWatchers());
        onStop(() => server.beginStop());
        log.info('serving', { port, grpcPort, address: config.advertiseAddress });

        // 3. The cache, then what every cluster has.
        await server.load();
        await server.bootstrap();
      },
    },
    argv,
  );
}

if (import.meta.main) await main(process.argv.slice(2));
