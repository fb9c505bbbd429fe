import { quietWorkers, realDisk, runComponent, stepBack } from '@kubelab/component-base';
import { GrpcServer, hostPort } from '@kubelab/rpc';
import { authOptions } from './auth/index.ts';
import { ClientsDoor } from './clients-door.ts';
import { checkBootstrap } from './flags/bootstrap.ts';
import { authFlagsOf, memberOptionsOf } from './flags/derived.ts';
import { loggerOf, settingsOf } from './flags/index.ts';
import { compileEarly } from './early-code.ts';
import { etcdFlags } from './flags.ts';
import { RpcTable } from './http/rpc-table.ts';
import { bindServices } from './services/bind.ts';
import { snapshotService } from './services/snapshot.ts';
import { admission } from './shell/admission.ts';
import { startAutoCompaction } from './shell/auto-compaction.ts';
import { parseCluster } from './shell/cluster.ts';
import { startCorruptionCheck } from './shell/corruption-check.ts';
import { takeDataFolder } from './shell/data-folder.ts';
import { Anticipation } from './shell/anticipation.ts';
import { Member } from './shell/member.ts';
import { keepRehearsed } from './shell/rehearsal.ts';
import { clientDoor, peerDoor } from './tls/door-security.ts';
import { keepHeapSmall } from './small-heap.ts';
import { runTool } from './tools/index.ts';
import { peerCalls } from './transport/peer-calls.ts';
import { PeerDoor } from './transport/peer-door.ts';
import { PeerStreams } from './transport/peer-streams.ts';
import { addPeerService } from './transport/peer-service.ts';

export async function main(argv: readonly string[]): Promise<void> {
  keepHeapSmall();
  quietWorkers();
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
        if (cluster.members.length === 1) compileEarly();
        const dataDir = flags['data-dir'] ?? `${flags.name}.etcd`;
        onStop(await takeDataFolder(dataDir));
        const clientSecurity = await clientDoor(flags, { dataDir, nowMs: clock.now(), log });
        const peerSecurity = await peerDoor(flags, { dataDir, nowMs: clock.now(), log });
        // 2. The other members' door: members that start for the first time find each other there.
        const door = new PeerDoor();
        const peerServer = new GrpcServer({
          onUpgrade: new PeerStreams(door).onUpgrade,
        });
        addPeerService(peerServer, door);
        for (const url of flags['listen-peer-urls'])
          await peerServer.listen(hostPort(url), peerSecurity.at(url));
        // 3. What was there before, and Raft on top of it.
        const leave = (): void => void process.kill(process.pid, 'SIGTERM');
        const isNew = flags['initial-cluster-state'] !== 'existing';
        const admit = admission({
          isNew,
          cluster,
          call: peerCalls(peerSecurity.outgoing),
          clock,
          log,
          onFresh: () => door.isFresh(cluster.id),
          hasAsked: (raftId) => door.hasAsked(raftId),
          onRemoved: leave,
        });
        const member = await Member.start({
          cluster,
          dataDir,
          ...memberOptionsOf(flags),
          peerTls: peerSecurity.outgoing,
          admit: async () => {
            if (isNew) await checkBootstrap(flags, cluster);
            return admit();
          },
          onRemoved: leave,
          auth: authOptions({ clock, random, ...authFlagsOf(flags) }),
          anticipation: new Anticipation(),
          clock,
          random,
          disk: realDisk,
          log,
          fatal,
        });
        onStop(() => member.stop());
        onStop(startAutoCompaction(member, flags));
        // 4. The services: for the other members, then for clients, by gRPC and by HTTP.
        const { hashKv } = snapshotService(member);
        const rpcs = new RpcTable({ clock, isTimed: flags.metrics === 'extensive' });
        const lease = bindServices(rpcs, member, {
          progressIntervalMs: flags['experimental-watch-progress-notify-interval'],
        });
        const answers = { leaseRenew: lease.renew, leaseTimeToLive: lease.askTimeToLive, hashKv };
        door.open(member.peerServiceOptions(answers));
        onStop(await startCorruptionCheck(member, hashKv, flags));
        member.leadership.seek();
        const clients = new ClientsDoor(member, rpcs, flags, clientSecurity);
        await clients.open();
        // 5. The end, in reverse: hand over, leave the cores to those who go on, let clients go, then the other members, then the disk.
        onStop(() => peerServer.stop(STOP_GRACE_MS));
        onStop(() => clients.close(STOP_GRACE_MS));
        const isOneOfSeveral = (): boolean => member.membership.others().size > 0;
        onStop(() => (isOneOfSeveral() ? stepBack() : undefined));
        onStop(() => member.cluster.handover.toHeir());
        onStop(keepRehearsed(clock, isOneOfSeveral));
        log.info('serving clients', { urls: flags['listen-client-urls'], member: member.membership.raftId });
      },
    },
    settings.argv,
  );
}

/** Watch streams never end by themselves: after this they are cut. */
const STOP_GRACE_MS = 200;

if (import.meta.main) await main(process.argv.slice(2));
