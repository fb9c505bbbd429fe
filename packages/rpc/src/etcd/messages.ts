import type { Int64 } from '../wire.ts';

/**
 * etcd's messages as the codecs give them: every field present, absent messages `null`, fields in camelCase.
 * Revisions, indexes, counts and sizes are safe integers; ids may be any 64-bit value (`Int64`): only compare
 * and pass them on.
 */
export type LeaseId = Int64;
export type MemberId = Int64;

export interface ResponseHeader {
  readonly clusterId: Int64;
  readonly memberId: MemberId;
  readonly revision: number;
  readonly raftTerm: number;
}

export interface KeyValue {
  readonly key: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
}

export const EventType = { PUT: 0, DELETE: 1 } as const;
export interface Event {
  readonly type: number;
  readonly kv: KeyValue;
  readonly prevKv: KeyValue | null;
}

export const SortOrder = { NONE: 0, ASCEND: 1, DESCEND: 2 } as const;
export const SortTarget = { KEY: 0, VERSION: 1, CREATE: 2, MOD: 3, VALUE: 4 } as const;

export interface RangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: number;
  readonly sortTarget: number;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}
/** A part of a `RangeResponse`: keys in every one, the header, `more` and `count` in the last. */
export interface RangeStreamResponse {
  readonly rangeResponse: RangeResponse | null;
}

export interface PutRequest {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}
export interface PutResponse {
  readonly header: ResponseHeader;
  readonly prevKv: KeyValue | null;
}

export interface DeleteRangeRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly prevKv: boolean;
}
export interface DeleteRangeResponse {
  readonly header: ResponseHeader;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}

/** Exactly one is set. */
export interface RequestOp {
  readonly requestRange: RangeRequest | null;
  readonly requestPut: PutRequest | null;
  readonly requestDeleteRange: DeleteRangeRequest | null;
  readonly requestTxn: TxnRequest | null;
}
export interface ResponseOp {
  readonly responseRange: RangeResponse | null;
  readonly responsePut: PutResponse | null;
  readonly responseDeleteRange: DeleteRangeResponse | null;
  readonly responseTxn: TxnResponse | null;
}

export const CompareResult = { EQUAL: 0, GREATER: 1, LESS: 2, NOT_EQUAL: 3 } as const;
export const CompareTarget = { VERSION: 0, CREATE: 1, MOD: 2, VALUE: 3, LEASE: 4 } as const;

export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: Uint8Array;
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly value: Uint8Array;
  readonly lease: LeaseId;
  readonly rangeEnd: Uint8Array;
}
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}

export interface CompactionRequest {
  readonly revision: number;
  readonly physical: boolean;
}
export interface CompactionResponse {
  readonly header: ResponseHeader;
}

export interface HashKVRequest {
  readonly revision: number;
}
export interface HashKVResponse {
  readonly header: ResponseHeader;
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}

export type HashRequest = object;
export interface HashResponse {
  readonly header: ResponseHeader;
  readonly hash: number;
}

export type SnapshotRequest = object;
/** A piece of the database file; the last one is the SHA-256 of all the others. */
export interface SnapshotResponse {
  readonly header: ResponseHeader | null;
  /** After this piece, without the checksum. */
  readonly remainingBytes: number;
  readonly blob: Uint8Array;
  readonly version: string;
}

export const DowngradeAction = { VALIDATE: 0, ENABLE: 1, CANCEL: 2 } as const;
export interface DowngradeRequest {
  readonly action: number;
  readonly version: string;
}
export interface DowngradeResponse {
  readonly header: ResponseHeader;
  readonly version: string;
}

export const WatchFilter = { NOPUT: 0, NODELETE: 1 } as const;
export interface WatchCreateRequest {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly filters: readonly number[];
  readonly prevKv: boolean;
  readonly watchId: number;
  readonly fragment: boolean;
}
export interface WatchRequest {
  readonly createRequest: WatchCreateRequest | null;
  readonly cancelRequest: { readonly watchId: number } | null;
  readonly progressRequest: object | null;
}
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly watchId: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly events: readonly Event[];
}

export interface LeaseGrantRequest {
  readonly TTL: number;
  readonly ID: LeaseId;
}
export interface LeaseGrantResponse {
  readonly header: ResponseHeader;
  readonly ID: LeaseId;
  readonly TTL: number;
  readonly error: string;
}
export interface LeaseRevokeRequest {
  readonly ID: LeaseId;
}
export interface LeaseRevokeResponse {
  readonly header: ResponseHeader;
}
export interface LeaseKeepAliveRequest {
  readonly ID: LeaseId;
}
export interface LeaseKeepAliveResponse {
  readonly header: ResponseHeader;
  readonly ID: LeaseId;
  readonly TTL: number;
}
export interface LeaseTimeToLiveRequest {
  readonly ID: LeaseId;
  readonly keys: boolean;
}
export interface LeaseTimeToLiveResponse {
  readonly header: ResponseHeader;
  readonly ID: LeaseId;
  readonly TTL: number;
  readonly grantedTTL: number;
  readonly keys: readonly Uint8Array[];
}
export interface LeaseLeasesResponse {
  readonly header: ResponseHeader;
  readonly leases: readonly { readonly ID: LeaseId }[];
}

export interface Member {
  readonly ID: MemberId;
  readonly name: string;
  readonly peerURLs: readonly string[];
  readonly clientURLs: readonly string[];
  readonly isLearner: boolean;
}
export interface MemberAddRequest {
  readonly peerURLs: readonly string[];
  readonly isLearner: boolean;
  /** Ours: the leader promotes the learner by itself. */
  readonly autoPromote: boolean;
  /** Ours: it takes the place of this member, which is dead. 0: of none. */
  readonly replaces: MemberId;
}
export interface MemberAddResponse extends MemberListResponse {
  readonly member: Member | null;
}
export interface MemberRemoveRequest {
  readonly ID: MemberId;
}
export interface MemberPromoteRequest {
  readonly ID: MemberId;
}
export interface MemberUpdateRequest {
  readonly ID: MemberId;
  readonly peerURLs: readonly string[];
}
export interface MemberListRequest {
  readonly linearizable: boolean;
}
export interface MemberListResponse {
  readonly header: ResponseHeader;
  readonly members: readonly Member[];
}

export const AlarmType = { NONE: 0, NOSPACE: 1, CORRUPT: 2 } as const;
export const AlarmAction = { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 } as const;
export interface AlarmMember {
  readonly memberID: MemberId;
  readonly alarm: number;
}
export interface AlarmRequest extends AlarmMember {
  readonly action: number;
}
export interface AlarmResponse {
  readonly header: ResponseHeader;
  readonly alarms: readonly AlarmMember[];
}

export interface StatusResponse {
  readonly header: ResponseHeader;
  readonly version: string;
  readonly dbSize: number;
  readonly leader: MemberId;
  readonly raftIndex: number;
  readonly raftTerm: number;
  readonly raftAppliedIndex: number;
  readonly errors: readonly string[];
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  readonly storageVersion: string;
  readonly dbSizeQuota: number;
}
export interface DefragmentResponse {
  readonly header: ResponseHeader;
}
export interface MoveLeaderRequest {
  readonly targetID: MemberId;
}
export interface MoveLeaderResponse {
  readonly header: ResponseHeader;
}
