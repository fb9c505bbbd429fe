import type { KeyValue, LeaseId, ResponseHeader } from './messages.ts';

/** The messages of etcd's Lock and Election services, and of gRPC's Health. */
export interface LockRequest {
  readonly name: Uint8Array;
  readonly lease: LeaseId;
}
export interface LockResponse {
  readonly header: ResponseHeader;
  readonly key: Uint8Array;
}
export interface UnlockRequest {
  readonly key: Uint8Array;
}
export interface UnlockResponse {
  readonly header: ResponseHeader;
}

export interface CampaignRequest {
  readonly name: Uint8Array;
  readonly lease: LeaseId;
  readonly value: Uint8Array;
}
export interface LeaderKey {
  readonly name: Uint8Array;
  readonly key: Uint8Array;
  readonly rev: number;
  readonly lease: LeaseId;
}
export interface CampaignResponse {
  readonly header: ResponseHeader;
  readonly leader: LeaderKey;
}
export interface ProclaimRequest {
  readonly leader: LeaderKey | null;
  readonly value: Uint8Array;
}
export interface LeaderRequest {
  readonly name: Uint8Array;
}
export interface LeaderResponse {
  readonly header: ResponseHeader;
  readonly kv: KeyValue;
}
export interface ResignRequest {
  readonly leader: LeaderKey | null;
}
/** Of Proclaim and Resign. */
export interface ElectionResponse {
  readonly header: ResponseHeader;
}

export const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;
export interface HealthCheckRequest {
  readonly service: string;
}
export interface HealthCheckResponse {
  readonly status: number;
}
