/**
 * Message shapes of `kubelab.api.v1.KubeApi` (see `proto/kubelab-api.proto`, which carries the explanations).
 */
export type KubeVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface CallRequest {
  readonly verb: KubeVerb;
  readonly path: string;
  readonly query: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export interface CallResponse {
  readonly code: number;
  readonly body: Uint8Array;
  readonly warnings: readonly string[];
}

export interface WatchRequest {
  readonly start?: { readonly id: number; readonly path: string; readonly query: string };
  readonly cancel?: number;
}

export type WatchResponseType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR' | 'CLOSED';

export interface WatchResponse {
  readonly id: number;
  readonly type: WatchResponseType;
  readonly object: Uint8Array;
}

export const KUBE_API_SERVICE = 'kubelab.api.v1.KubeApi';
