import { realDisk, runComponent } from '@kubelab/component-base';
import { GrpcServer, hostPort } from '@kubelab/rpc';
import { authOptions } from './auth/index.ts';
import { loggerOf, settingsOf } from './flags/index.ts';
import { etcdFlags } from './flags.ts';
import { bindServices } from './services/bind.ts';
import { parseCluster } from './shell/cluster.ts';
import { Member, REQUEST_BYTES_MAX } from './shell/member.ts';
import { clientTls, serverTls, tlsOf, type TlsFiles } from './tls-flags.ts';
import { runTool } from './tools/index.ts';
import { addPeerService } from './transport/peer-service.ts';

export async function main(argv: readonly string[]): Promise<void> {
  if (await runTool(argv)) return;
  const settings = await settingsOf(argv);
  if (settings === undefined) return;
  await runComponent(
    {
      name: 'etcd-lite',
      summary: "A replicated key-value store that speaks etcd's v3 API.",
      flags: etcdFlags,
      logger: loggerOf,
      async start({ flags, log, clock, random, onStop, fatal }) {
        for (const { level, msg, fields } of settings.notices) log[level](msg, fields);
        // 1. Who we are, by the flags.
        const cluster = parseCluster(flags['initial-cluster'], flags.name, flags['initial-cluster-token']);
        const clientFiles: TlsFiles = {
          cert: flags['cert-file'],
          key: flags['key-file'],
          ca: flags['trusted-ca-file'],
          requireClientCert: flags['client-cert-auth'],
        };
        const peerFiles: TlsFiles = {
          cert: flags['peer-cert-file'],
          key: flags['peer-key-file'],
          ca: flags['peer-trusted-ca-file'],
          requireClientCert: flags['peer-client-cert-auth'],
        };
        // 2. What was there before, and Raft on top of it.
        const member = await Member.start({
          cluster,
          dataDir: flags['data-dir'] ?? `${flags.name}.etcd`,
          clientUrls: flags['advertise-client-urls'],
          peerTls: clientTls(peerFiles),
          heartbeatMs: flags['heartbeat-interval'],
          electionMs: flags['election-timeout'],
          snapshotCount: flags['snapshot-count'],
          quotaBytes: flags['quota-backend-bytes'] || QUOTA_BYTES,
          auth: authOptions({
            clock,
            random,
            token: flags['auth-token'],
            ttlMs: flags['auth-token-ttl'] * 1000,
            bcryptCost: flags['bcrypt-cost'],
            trustsCertificates: flags['client-cert-auth'],
          }),
          clock,
          random,
          disk: realDisk,
          log,
          fatal,
        });
        onStop(() => member.stop());
        // 3. The other members' door, then the clients'.
        const peerServer = new GrpcServer({ receiveBytesMax: PEER_RECEIVE_BYTES_MAX });
        const clientServer = new GrpcServer({ receiveBytesMax: REQUEST_BYTES_MAX + 512 * 1024 });
        const lease = bindServices(clientServer, member, {
          progressIntervalMs: flags['experimental-watch-progress-notify-interval'],
        });
        addPeerService(
          peerServer,
          member.peerServiceOptions({ leaseRenew: lease.renew, leaseTimeToLive: lease.askTimeToLive }),
        );
        const peerTls = serverTls(peerFiles);
        const tls = serverTls(clientFiles);
        for (const url of flags['listen-peer-urls'])
          await peerServer.listen(hostPort(url), tlsOf(url, peerTls));
        member.leadership.seek();
        for (const url of flags['listen-client-urls'])
          await clientServer.listen(hostPort(url), tlsOf(url, tls));
        // 4. The end, in reverse: hand over, let clients go, then the other members, then the disk.
        onStop(() => peerServer.stop(STOP_GRACE_MS));
        onStop(() => clientServer.stop(STOP_GRACE_MS));
        onStop(() => member.handOver());
        log.info('serving clients', { urls: flags['listen-client-urls'], member: cluster.self.raftId });
      },
    },
    settings.argv,
  );
}

/** Watch streams never end by themselves: after this they are cut. */
const STOP_GRACE_MS = 200;
const QUOTA_BYTES = 2 * 1024 * 1024 * 1024;
/** A batch of appends. */
const PEER_RECEIVE_BYTES_MAX = 64 * 1024 * 1024;

if (import.meta.main) await main(process.argv.slice(2));
