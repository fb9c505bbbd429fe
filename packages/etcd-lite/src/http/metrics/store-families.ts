import { counter, type Family, gauge, histogram } from './family.ts';
import type { MetricsSource } from './handler.ts';

/** `etcd_mvcc_*` and `etcd_debugging_*`: keys, watches, leases, users. */
export function storeFamilies({ member, rpcs }: MetricsSource): Family[] {
  const { machine, counts, leases } = member;
  const watchCalls = rpcs.counts.get('/etcdserverpb.Watch/Watch');
  const rangeCalls = rpcs.counts.get('/etcdserverpb.KV/Range');
  // The machine's state is asked for each time: a snapshot from the leader replaces it.
  return [
    gauge(
      'etcd_mvcc_db_total_size_in_bytes',
      'Bytes of the log and the checkpoints on disk.',
      () => member.diskBytes,
    ),
    gauge(
      'etcd_mvcc_db_total_size_in_use_in_bytes',
      'Bytes of all keys and values that are kept.',
      () => machine.store.bytes,
    ),
    counter('etcd_mvcc_put_total', 'Puts applied.', () => counts.puts),
    counter('etcd_mvcc_delete_total', 'Deletions applied.', () => counts.deletes),
    counter('etcd_mvcc_txn_total', 'Transactions applied.', () => counts.txns),
    counter('etcd_mvcc_range_total', 'Ranges read.', () => counts.ranges + (rangeCalls?.handled[0] ?? 0)),
    gauge(
      'etcd_debugging_mvcc_keys_total',
      'Keys that exist now or in the history kept.',
      () => machine.store.keyCount,
    ),
    gauge('etcd_debugging_mvcc_current_revision', "The store's revision.", () => machine.store.revision),
    gauge('etcd_debugging_mvcc_compact_revision', 'The oldest revision kept.', () =>
      Math.max(0, machine.store.compactRevision),
    ),
    gauge(
      'etcd_debugging_mvcc_total_put_size_in_bytes',
      'Bytes of keys and values put.',
      () => counts.putBytes,
    ),
    gauge('etcd_debugging_mvcc_watcher_total', 'Watches.', () => member.watches.size),
    gauge(
      'etcd_debugging_mvcc_slow_watcher_total',
      'Watches that are behind.',
      () => member.watches.slowCount,
    ),
    gauge('etcd_debugging_mvcc_watch_stream_total', 'Streams of watches.', () => watchCalls?.running ?? 0),
    counter('etcd_debugging_mvcc_events_total', 'Events sent to watches.', () => member.watches.eventCount),
    counter('etcd_debugging_lease_granted_total', 'Leases granted.', () => counts.leasesGranted),
    counter('etcd_debugging_lease_revoked_total', 'Leases revoked.', () => counts.leasesRevoked),
    counter(
      'etcd_debugging_lease_renewed_total',
      'Leases renewed by this leader.',
      () => leases.renewedCount,
    ),
    counter(
      'etcd_debugging_server_lease_expired_total',
      'Leases that this leader found expired.',
      () => leases.expiredCount,
    ),
    histogram('etcd_debugging_lease_ttl_total', 'Seconds that leases were granted for.', () => [
      [{}, counts.leaseTtls],
    ]),
    gauge(
      'etcd_debugging_auth_revision',
      'The revision of users and roles.',
      () => machine.state.auth.revision,
    ),
  ];
}
