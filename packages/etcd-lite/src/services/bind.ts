import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { addService, type CallInfo, type Init, type UnaryHandler } from '@kubelab/rpc';
import {
  etcdServices,
  type LeaseKeepAliveRequest,
  type LeaseKeepAliveResponse,
  type WatchRequest,
  type WatchResponse,
} from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import { header } from './header.ts';
import { kvService } from './kv.ts';
import { leaseService } from './lease.ts';
import { maintenanceService } from './maintenance.ts';
import { WatchSession } from './watch.ts';

export interface BindOptions {
  readonly progressIntervalMs: number;
}

/**
 * The one file that knows how the services' plain functions hang on grpc-js; a faster server would replace
 * this one.
 */
export function bindServices(
  server: Server,
  member: Member,
  options: BindOptions,
): ReturnType<typeof leaseService> {
  const kv = kvService(member);
  const lease = leaseService(member);
  const maintenance = maintenanceService(member);

  // `hasleader` says: rather an error now than an answer when a leader is back.
  const led =
    <Req, Res>(handler: (request: Req) => Promise<Res> | Res): UnaryHandler<Req, Res> =>
    (request, call) => {
      if (needsLeader(call) && member.leadership.leader === undefined) throw new EtcdError('noLeader');
      return handler(request);
    };

  addService(server, etcdServices.KV, {
    unary: {
      Range: led(kv.range),
      Put: led(kv.put),
      DeleteRange: led(kv.deleteRange),
      Txn: led(kv.txn),
      Compact: led(kv.compact),
    },
  });
  addService(server, etcdServices.Lease, {
    unary: {
      LeaseGrant: led(lease.grant),
      LeaseRevoke: led(lease.revoke),
      LeaseTimeToLive: led(lease.timeToLive),
      LeaseLeases: led(lease.leases),
    },
    bidi: {
      LeaseKeepAlive: async (
        stream: ServerDuplexStream<LeaseKeepAliveRequest, Init<LeaseKeepAliveResponse>>,
      ) => {
        for await (const { ID } of stream as AsyncIterable<LeaseKeepAliveRequest>)
          stream.write(await lease.keepAlive(ID));
      },
    },
  });
  addService(server, etcdServices.Watch, {
    bidi: { Watch: (stream: WatchServerStream) => watch(member, stream, options.progressIntervalMs) },
  });
  addService(server, etcdServices.Maintenance, {
    unary: {
      Status: maintenance.status,
      Alarm: led(maintenance.alarm),
      Defragment: maintenance.defragment,
      HashKV: maintenance.hashKv,
      MoveLeader: maintenance.moveLeader,
    },
  });
  addService(server, etcdServices.Cluster, { unary: { MemberList: led(maintenance.memberList) } });
  addService(server, etcdServices.Auth, {
    unary: { AuthStatus: () => ({ header: header(member), enabled: false, authRevision: 1 }) },
  });
  return lease;
}

type WatchServerStream = ServerDuplexStream<WatchRequest, Init<WatchResponse>>;

/**
 * Runs a watch stream until the client ends it, or until it asked for a leader and there is none for too
 * long.
 */
function watch(member: Member, stream: WatchServerStream, progressIntervalMs: number): Promise<void> {
  const session = new WatchSession(
    member,
    { send: (response) => stream.write(response) },
    progressIntervalMs,
  );
  const { lost: leaderLost } = member.leadership;
  return new Promise<void>((resolve, reject) => {
    const onLeaderLost = (): void => reject(new EtcdError('noLeader'));
    if (needsLeader(stream)) {
      if (leaderLost.aborted) return onLeaderLost();
      leaderLost.addEventListener('abort', onLeaderLost, { once: true });
    }
    stream.on('data', (request: WatchRequest) => session.request(request));
    stream.on('drain', () => session.drained());
    for (const event of ['end', 'close', 'cancelled', 'error']) stream.once(event, () => resolve());
  }).finally(() => session.close());
}

function needsLeader(call: Pick<CallInfo, 'metadata'>): boolean {
  return String(call.metadata.get('hasleader')[0]) === 'true';
}
