import type { CallInfo, GrpcServer, Init, ServerStream, UnaryHandler } from '@kubelab/rpc';
import {
  type DowngradeRequest,
  etcdServices,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  type WatchRequest,
  type WatchResponse,
} from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import { apiVersionGuard } from './api-version.ts';
import { authGuard, authService } from './auth.ts';
import { clusterService } from './cluster.ts';
import { downgrade } from './downgrade.ts';
import { checkHealth, watchHealth } from './health.ts';
import { kvService } from './kv.ts';
import { learnerGuard } from './learner.ts';
import { leaseService } from './lease.ts';
import { maintenanceService } from './maintenance.ts';
import { electionService } from './recipes/election.ts';
import { lockService } from './recipes/lock.ts';
import { addRoutes, bidi, type Guard, type Routes, serverStream, unary } from './routes.ts';
import { snapshotService } from './snapshot.ts';
import { WatchSession } from './watch.ts';

export interface BindOptions {
  readonly progressIntervalMs: number;
}

/** Which function answers which RPC, and what a call must pass before. */
export function bindServices(
  server: Pick<GrpcServer, 'addService'>,
  member: Member,
  options: BindOptions,
): ReturnType<typeof leaseService> {
  const kv = kvService(member);
  const lease = leaseService(member);
  const maintenance = maintenanceService(member);
  const cluster = clusterService(member);
  const store = snapshotService(member);
  const locks = lockService({ member, kv, lease });
  const elections = electionService({ member, kv, lease });
  const auth: Readonly<Record<string, UnaryHandler<never, unknown>>> = authService(member);

  /** Every call passes these first. */
  const always: Guard[] = [apiVersionGuard, learnerGuard(member), authGuard(member)];
  /** `hasleader` says: rather an error now than an answer when a leader is back. */
  const led: Guard = (_request, call) => {
    if (needsLeader(call) && member.leadership.leader === undefined) throw new EtcdError('noLeader');
  };

  const routes: Readonly<Record<keyof typeof etcdServices, Routes>> = {
    KV: {
      Range: unary(kv.range, led),
      RangeStream: serverStream(kv.rangeStream, led),
      Put: unary(kv.put, led),
      DeleteRange: unary(kv.deleteRange, led),
      Txn: unary(kv.txn, led),
      Compact: unary(kv.compact, led),
    },
    Lease: {
      LeaseGrant: unary(lease.grant, led),
      LeaseRevoke: unary(lease.revoke, led),
      LeaseTimeToLive: unary(lease.timeToLive, led),
      LeaseLeases: unary(lease.leases, led),
      LeaseKeepAlive: bidi((stream: KeepAliveStream) => keepAlive(lease, stream), led),
    },
    Watch: {
      Watch: bidi((stream: WatchStream) => watch(member, stream, options.progressIntervalMs), led),
    },
    Maintenance: {
      Status: unary(maintenance.status),
      Alarm: unary(maintenance.alarm, led),
      Defragment: unary(maintenance.defragment),
      Hash: unary(store.hash),
      HashKV: unary(store.hashKv),
      Snapshot: serverStream(store.snapshot, led),
      Downgrade: unary((request: DowngradeRequest) => downgrade(member, request)),
      MoveLeader: unary(maintenance.moveLeader),
    },
    Cluster: {
      MemberList: unary(cluster.list, led),
      MemberAdd: unary(cluster.add, led),
      MemberRemove: unary(cluster.remove, led),
      MemberUpdate: unary(cluster.update, led),
      MemberPromote: unary(cluster.promote, led),
    },
    Auth: Object.fromEntries(Object.entries(auth).map(([name, handler]) => [name, unary(handler, led)])),
    Lock: { Lock: unary(locks.lock, led), Unlock: unary(locks.unlock, led) },
    Election: {
      Campaign: unary(elections.campaign, led),
      Proclaim: unary(elections.proclaim, led),
      Leader: unary(elections.leader, led),
      Observe: serverStream(elections.observe, led),
      Resign: unary(elections.resign, led),
    },
    Health: { Check: unary(checkHealth), Watch: serverStream(watchHealth) },
  };

  for (const service of Object.keys(etcdServices) as (keyof typeof etcdServices)[]) {
    addRoutes(server, etcdServices[service], routes[service], always);
  }
  return lease;
}

type KeepAliveStream = ServerStream<LeaseKeepAliveRequest, Init<LeaseKeepAliveResponse>>;
type WatchStream = ServerStream<WatchRequest, Init<WatchResponse>>;

async function keepAlive(lease: ReturnType<typeof leaseService>, stream: KeepAliveStream): Promise<void> {
  for await (const { ID } of stream)
    if (!stream.write(await lease.keepAlive(ID, stream))) await stream.drained();
}

/**
 * Runs a watch stream until the client ends it, or until it asked for a leader and there is none for too
 * long.
 */
async function watch(member: Member, stream: WatchStream, progressIntervalMs: number): Promise<void> {
  const send = (response: Init<WatchResponse>): boolean => {
    const hasRoom = stream.write(response);
    if (!hasRoom) void stream.drained().then(() => session.drained());
    return hasRoom;
  };
  const session = new WatchSession(member, { send }, progressIntervalMs, stream);
  try {
    stream.onMessage((request) => session.request(request));
    await (needsLeader(stream) ? Promise.race([stream.ended, leaderLost(member, stream)]) : stream.ended);
  } finally {
    session.close();
  }
}

/** Rejects when there has been no leader for too long. */
function leaderLost(member: Member, { ended }: WatchStream): Promise<never> {
  const { lost } = member.leadership;
  return new Promise((_resolve, reject) => {
    const onLost = (): void => reject(new EtcdError('noLeader'));
    if (lost.aborted) return onLost();
    lost.addEventListener('abort', onLost, { once: true });
    void ended.then(() => lost.removeEventListener('abort', onLost));
  });
}

function needsLeader(call: CallInfo): boolean {
  return call.header('hasleader') === 'true';
}
