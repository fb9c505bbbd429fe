import { NO_QUOTA_BYTES } from '../../flags/derived.ts';
import { ETCD_VERSION } from '../../services/maintenance.ts';
import type { HealthCounts } from '../health.ts';
import type { PeerTransport } from '../../transport/peers.ts';
import type { RpcTable } from '../rpc-table.ts';
import { CLUSTER_VERSION } from '../version.ts';
import { counter, type Family, gauge, histogram, labelled } from './family.ts';
import type { MetricsSource } from './handler.ts';

/** `etcd_server_*`, `etcd_disk_*`, `etcd_network_*`: the member and its part in the cluster. */
export function serverFamilies({ member, rpcs, health }: MetricsSource): Family[] {
  const { leadership, counts, options } = member;
  const { reads, proposals, wal, peers } = member.parts;
  const status = (): ReturnType<typeof member.raft.status> => member.raft.status();
  const self = member.membership.raftId;
  return [
    gauge('etcd_server_has_leader', 'Whether a leader is known: 1 if so, else 0.', () =>
      Number(leadership.leader !== undefined),
    ),
    gauge('etcd_server_is_leader', 'Whether this member leads: 1 if so, else 0.', () =>
      Number(leadership.isLeader),
    ),
    gauge('etcd_server_is_learner', 'Whether this member is a learner: 1 if so, else 0.', () =>
      Number(status().isLearner),
    ),
    counter('etcd_server_leader_changes_seen_total', 'Changes of the leader seen.', () => leadership.changes),
    labelled('gauge', 'etcd_server_id', "1 for this member's id, in hexadecimal.", () => [
      { value: 1, labels: { server_id: self } },
    ]),
    labelled('gauge', 'etcd_server_version', '1 for the version that this member says it is.', () => [
      { value: 1, labels: { server_version: ETCD_VERSION } },
    ]),
    labelled('gauge', 'etcd_cluster_version', "1 for the cluster's version.", () => [
      { value: 1, labels: { cluster_version: CLUSTER_VERSION.replace(/\.0$/, '') } },
    ]),
    gauge(
      'etcd_server_proposals_committed_total',
      'Index up to which entries are committed.',
      () => status().commit,
    ),
    gauge(
      'etcd_server_proposals_applied_total',
      'Index up to which entries are applied.',
      () => member.applied,
    ),
    gauge(
      'etcd_server_proposals_pending',
      'Requests on their way through the log.',
      () => proposals.pendingCount,
    ),
    counter(
      'etcd_server_proposals_failed_total',
      'Requests that did not get through the log in time.',
      () => proposals.failedCount,
    ),
    counter(
      'etcd_server_read_indexes_failed_total',
      'Reads given up for want of a leader that answers.',
      () => reads.failedCount,
    ),
    counter(
      'etcd_server_slow_read_indexes_total',
      'Questions to the leader that had to be asked again.',
      () => reads.slowCount,
    ),
    counter(
      'etcd_server_slow_apply_total',
      'Requests that took too long to apply.',
      () => counts.slowApplies,
    ),
    counter(
      'etcd_server_heartbeat_send_failures_total',
      'Heartbeats of this leader that were late: the process or its disk is overloaded.',
      () => member.parts.node.lateHeartbeats,
    ),
    gauge('etcd_server_quota_backend_bytes', 'Bytes of keys and values before writes are refused.', () =>
      options.quotaBytes === NO_QUOTA_BYTES ? 0 : options.quotaBytes,
    ),
    ...healthFamilies(health),
    histogram(
      'etcd_disk_wal_fsync_duration_seconds',
      'From handing a record to the log until it is durable: write and fdatasync.',
      () => [[{}, counts.walSync]],
    ),
    gauge('etcd_disk_wal_write_bytes_total', 'Bytes written to the log.', () => wal.writtenBytes),
    labelled('gauge', 'etcd_network_active_peers', 'Whether messages to that member are taken.', () =>
      [...member.membership.others().keys()].map((id) => ({
        value: Number(peers.activeSinceMs(id) !== undefined),
        labels: { Local: self, Remote: id },
      })),
    ),
    ...peerFamilies(member.parts.peers),
    ...callFamilies(rpcs),
  ];
}

/** `etcd_network_peer_*`: what goes to the other members. */
function peerFamilies(peers: PeerTransport): Family[] {
  const each = (value: 'sentBytes' | 'sendFailures') =>
    function* () {
      for (const [To, traffic] of peers.traffic?.() ?? []) yield { value: traffic[value], labels: { To } };
    };
  return [
    labelled(
      'counter',
      'etcd_network_peer_sent_bytes_total',
      'Bytes of messages to a member.',
      each('sentBytes'),
    ),
    labelled(
      'counter',
      'etcd_network_peer_sent_failures_total',
      'Batches of messages to a member that were dropped.',
      each('sendFailures'),
    ),
    histogram(
      'etcd_network_peer_round_trip_time_seconds',
      'Seconds that pings to a member took.',
      function* () {
        for (const [To, { roundTrips }] of peers.traffic?.() ?? []) yield [{ To }, roundTrips];
      },
    ),
  ];
}

function healthFamilies(health: HealthCounts): Family[] {
  const checks = function* (): Generator<
    [{ type: string; name: string }, { successes: number; failures: number; isHealthy: boolean }]
  > {
    for (const [key, counts] of health.checks) {
      const [type = '', name = ''] = key.split(' ');
      yield [{ type, name }, counts];
    }
  };
  return [
    counter('etcd_server_health_success', 'Successful health checks.', () => health.successes),
    counter('etcd_server_health_failures', 'Failed health checks.', () => health.failures),
    labelled('gauge', 'etcd_server_healthcheck', 'The last result of each check.', function* () {
      for (const [labels, { isHealthy }] of checks()) yield { value: Number(isHealthy), labels };
    }),
    labelled('counter', 'etcd_server_healthchecks_total', 'Results of each check.', function* () {
      for (const [labels, { successes, failures }] of checks()) {
        yield { value: successes, labels: { ...labels, status: 'success' } };
        yield { value: failures, labels: { ...labels, status: 'error' } };
      }
    }),
  ];
}

/** `grpc_server_*`, as go-grpc-prometheus has them, and etcd's own two. */
function callFamilies(rpcs: RpcTable): Family[] {
  const each = (value: 'started' | 'received' | 'sent') =>
    function* () {
      for (const { labels, counts } of rpcs.all()) yield { value: counts[value], labels };
    };
  return [
    counter('etcd_network_client_grpc_received_bytes_total', 'Bytes of messages from clients.', () =>
      sum(rpcs, 'receivedBytes'),
    ),
    counter('etcd_network_client_grpc_sent_bytes_total', 'Bytes of messages to clients.', () =>
      sum(rpcs, 'sentBytes'),
    ),
    labelled('counter', 'grpc_server_started_total', 'RPCs begun.', each('started')),
    labelled('counter', 'grpc_server_msg_received_total', 'Messages received.', each('received')),
    labelled('counter', 'grpc_server_msg_sent_total', 'Messages sent.', each('sent')),
    labelled('counter', 'grpc_server_handled_total', 'RPCs answered, by status.', function* () {
      for (const { labels, counts } of rpcs.all()) {
        for (const [code, value] of counts.handled.entries()) {
          if (value !== undefined)
            yield { value, labels: { ...labels, grpc_code: GO_CODES[code] ?? 'Unknown' } };
        }
      }
    }),
    ...(rpcs.isTimed
      ? [
          histogram('grpc_server_handling_seconds', 'Until an RPC was answered.', function* () {
            for (const { labels, counts } of rpcs.all())
              if (counts.seconds !== undefined) yield [labels, counts.seconds];
          }),
        ]
      : []),
  ];
}

function sum(rpcs: RpcTable, what: 'receivedBytes' | 'sentBytes'): number {
  let total = 0;
  for (const { counts } of rpcs.all()) total += counts[what];
  return total;
}

/** Go's names of gRPC's codes. */
const GO_CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];
