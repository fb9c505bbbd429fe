import { loadProto, type Int64 } from '@kubelab/rpc';
import type {
  AlarmMember,
  AlarmRequest,
  AuthNameRequest,
  AuthRole,
  AuthRoleGrantPermissionRequest,
  AuthRoleRequest,
  AuthRoleRevokePermissionRequest,
  AuthUser,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserGrantRoleRequest,
  AuthUserRevokeRoleRequest,
  CompactionRequest,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseId,
  LeaseRevokeRequest,
  PutRequest,
  TxnRequest,
} from '@kubelab/rpc/etcd';
import type { MemberRecord } from './core/members.ts';

/** The messages of `proto/raft.proto`, as the codecs give them. */
export interface InternalRequest {
  readonly proposer: string;
  readonly id: number;
  readonly term: number;
  readonly put: PutRequest | null;
  readonly deleteRange: DeleteRangeRequest | null;
  readonly txn: TxnRequest | null;
  readonly compaction: CompactionRequest | null;
  readonly leaseGrant: LeaseGrantRequest | null;
  readonly leaseRevoke: LeaseRevokeRequest | null;
  readonly leaseCheckpoint: {
    readonly leases: readonly { readonly ID: LeaseId; readonly remainingTtl: number }[];
  } | null;
  readonly alarm: AlarmRequest | null;
  readonly memberAttributes: MemberAttributes | null;
  readonly memberUpdate: { readonly raftId: string; readonly peerUrls: readonly string[] } | null;
  readonly auth: AuthChange | null;
  readonly header: AuthInfo | null;
}

/** Who asks, and which revision of the auth store knew them as that. */
export interface AuthInfo {
  readonly username: string;
  readonly authRevision: number;
}

/** Exactly one is set. */
export interface AuthChange {
  readonly enable: object | null;
  readonly disable: object | null;
  readonly authenticate: { readonly name: string; readonly tokenPrefix: string } | null;
  readonly userAdd: AuthUserAddRequest | null;
  readonly userDelete: AuthNameRequest | null;
  readonly userChangePassword: AuthUserChangePasswordRequest | null;
  readonly userGrantRole: AuthUserGrantRoleRequest | null;
  readonly userRevokeRole: AuthUserRevokeRoleRequest | null;
  readonly roleAdd: AuthNameRequest | null;
  readonly roleDelete: AuthRoleRequest | null;
  readonly roleGrantPermission: AuthRoleGrantPermissionRequest | null;
  readonly roleRevokePermission: AuthRoleRevokePermissionRequest | null;
}

export interface MemberAttributes {
  readonly raftId: string;
  readonly name: string;
  readonly clientUrls: readonly string[];
  readonly life: string;
}

/** What a member tells those who start without data. */
export interface ClusterDescription {
  readonly clusterId: number;
  readonly raftId: string;
  readonly isFresh: boolean;
  readonly term: number;
  readonly leader: string;
  readonly members: readonly MemberRecord[];
  readonly removedMembers: readonly string[];
}

export interface JoinRequest {
  readonly raftId: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface JoinResponse {
  readonly raftId: string;
  readonly term: number;
  readonly vote: string;
  readonly members: readonly MemberRecord[];
}

export interface WireEntry {
  readonly term: number;
  readonly index: number;
  readonly isConfChange: boolean;
  readonly data: Uint8Array;
}

export interface WireConfState {
  readonly voters: readonly string[];
  readonly learners: readonly string[];
  readonly votersOutgoing: readonly string[];
  readonly learnersNext: readonly string[];
  readonly autoLeave: boolean;
}

export interface WireSnapshotMetadata {
  readonly index: number;
  readonly term: number;
  readonly conf: WireConfState | null;
}

export interface WireMessage {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly term: number;
  readonly index: number;
  readonly logTerm: number;
  readonly entries: readonly WireEntry[];
  readonly commit: number;
  readonly reject: boolean;
  readonly hintIndex: number;
  readonly hintTerm: number;
  readonly round: number;
  readonly granted: boolean;
  readonly isTransfer: boolean;
  readonly text: string;
  readonly data: Uint8Array;
  readonly snapshot: WireSnapshotMetadata | null;
}

export interface SnapshotChunk {
  readonly message: WireMessage | null;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

export interface WalRecord {
  readonly identity: { readonly clusterId: Int64; readonly raftId: string } | null;
  readonly hardState: { readonly term: number; readonly vote: string; readonly commit: number } | null;
  readonly entries: readonly WireEntry[];
  readonly snapshot: WireSnapshotMetadata | null;
}

/** As `authpb` has it, for checkpoints and snapshots. */
export interface StoredAuth {
  readonly enabled: boolean;
  readonly revision: number;
  readonly users: readonly AuthUser[];
  readonly roles: readonly AuthRole[];
}

export interface CheckpointHeader {
  readonly metadata: WireSnapshotMetadata;
  readonly clusterId: Int64;
  readonly revision: number;
  readonly compactRevision: number;
  readonly alarms: readonly AlarmMember[];
  readonly members: readonly MemberRecord[];
  readonly removedMembers: readonly string[];
  /** Null in checkpoints from before there was auth. */
  readonly auth: StoredAuth | null;
}

export interface CheckpointRecord {
  readonly header: CheckpointHeader | null;
  /** `kv` is a `mvccpb.KeyValue` on the wire. */
  readonly versions: readonly { readonly kv: Buffer; readonly sub: number }[];
  readonly leases: readonly { readonly ID: LeaseId; readonly TTL: number; readonly remainingTtl: number }[];
  readonly end: { readonly versionCount: number } | null;
}

const proto = loadProto('raft');

export const internalRequestCodec = proto.message<InternalRequest>('kubelab.etcd.v1.InternalRequest');
export const walRecordCodec = proto.message<WalRecord>('kubelab.etcd.v1.WalRecord');
export const checkpointRecordCodec = proto.message<CheckpointRecord>('kubelab.etcd.v1.CheckpointRecord');
/** What the peers' stream carries. */
export const raftMessagesCodec = proto.message<{ readonly messages: readonly WireMessage[] }>(
  'kubelab.etcd.v1.RaftMessages',
);
export const raftMessageCodec = proto.message<WireMessage>('kubelab.etcd.v1.RaftMessage');
export const peerService = proto.service('kubelab.etcd.v1.Peer');
