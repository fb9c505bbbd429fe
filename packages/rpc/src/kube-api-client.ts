import { type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { Channel, type ChannelOptions } from './channel.ts';
import {
  type CallRequest,
  type CallResponse,
  KUBE_API_SERVICE,
  type WatchRequest,
  type WatchResponse,
} from './kube-api.ts';
import { loadProto } from './proto.ts';
import type { Init } from './wire.ts';

export type KubeWatchCall = ClientDuplexStream<Init<WatchRequest>, WatchResponse>;

export interface KubeApiCallOptions {
  /** `Bearer …`, where there is no client certificate. */
  readonly authorization?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface KubeApiClient {
  readonly url: string;
  /** Rejects with `RpcError` when there was no answer of the API at all. */
  call(request: Init<CallRequest>, options?: KubeApiCallOptions): Promise<CallResponse>;
  /**
   * All watches of one component; emits 'data', and 'error' or 'end' when the stream is over. `cancel()` ends
   * it.
   */
  watch(options?: Pick<KubeApiCallOptions, 'authorization'>): KubeWatchCall;
  close(): void;
}

/** A client of one API server's gRPC door. */
export function kubeApiClient(url: string, options: ChannelOptions = {}): KubeApiClient {
  const service = loadProto('kubelab-api').service(KUBE_API_SERVICE);
  const channel = new Channel(url, options);
  return {
    url,
    call: (request, { authorization, timeoutMs, signal } = {}) =>
      channel.unary(service, 'Call', request, { metadata: metadataOf(authorization), timeoutMs, signal }),
    watch: ({ authorization } = {}) =>
      channel.bidi(service, 'Watch', { metadata: metadataOf(authorization) }),
    close: () => channel.close(),
  };
}

function metadataOf(authorization: string | undefined): Metadata {
  const metadata = new Metadata();
  if (authorization !== undefined) metadata.set('authorization', authorization);
  return metadata;
}
