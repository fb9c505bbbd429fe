import { loadProto } from '@kubelab/rpc';
import type { AlarmMember, AuthRole, AuthUser, KeyValue, LeaseId } from '@kubelab/rpc/etcd';

/** etcd's buckets and the keys in them (`server/storage/schema/bucket.go`). */
export const BUCKETS = {
  key: 'key',
  meta: 'meta',
  lease: 'lease',
  alarm: 'alarm',
  cluster: 'cluster',
  members: 'members',
  membersRemoved: 'members_removed',
  auth: 'auth',
  authUsers: 'authUsers',
  authRoles: 'authRoles',
} as const;

export const META_KEYS = {
  consistentIndex: 'consistent_index',
  term: 'term',
  confState: 'confState',
  scheduledCompact: 'scheduledCompactRev',
  finishedCompact: 'finishedCompactRev',
  storageVersion: 'storageVersion',
} as const;

export const AUTH_KEYS = { enabled: 'authEnabled', revision: 'authRevision' } as const;
export const CLUSTER_KEYS = { version: 'clusterVersion' } as const;

const proto = loadProto('raft');

/** `leasepb.Lease`: our checkpoints have the same message. */
export interface StoredLease {
  readonly ID: LeaseId;
  readonly TTL: number;
  readonly remainingTtl: number;
}
export const leaseCodec = proto.message<StoredLease>('kubelab.etcd.v1.StoredLease');
export const alarmCodec = proto.message<AlarmMember>('etcdserverpb.AlarmMember');
export const keyValueCodec = proto.message<KeyValue>('mvccpb.KeyValue');
export const userCodec = proto.message<AuthUser>('authpb.User');
export const roleCodec = proto.message<AuthRole>('authpb.Role');

/** Eight bytes, most significant first, as etcd has ids and counters. */
export function uint64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)));
  return bytes;
}
