import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import {
  type CallRequest,
  type CallResponse,
  KUBE_API_SERVICE,
  type WatchRequest,
  type WatchResponse,
} from './kube-api.ts';
import { loadProto } from './proto.ts';
import { addService, type CallInfo, grpcServer, type ServiceHandlers } from './server.ts';
import type { Init } from './wire.ts';

/** Who calls: what the API server's authenticators look at. */
export interface KubeApiPeer {
  /** DER, verified against the client CA in the handshake; undefined when none was given. */
  readonly clientCertificate: Uint8Array | undefined;
  /** The metadata's `authorization`, e.g. `Bearer eyJ…`. */
  readonly authorization: string | undefined;
  readonly userAgent: string | undefined;
  /** Address and port of the other end. */
  readonly address: string;
}

export type KubeWatchStream = ServerDuplexStream<WatchRequest, Init<WatchResponse>>;

export interface KubeApiHandlers {
  /** Refusals by the API are answers too; an error thrown here fails the RPC itself. */
  call(request: CallRequest, peer: KubeApiPeer, signal: AbortSignal): Promise<CallResponse>;
  /**
   * Resolves when the stream is to end; the stream emits 'cancelled' when the client is gone and 'end' when
   * it has said its last.
   */
  watch(stream: KubeWatchStream, peer: KubeApiPeer): Promise<void>;
}

/** Serves kubelab.api.v1.KubeApi on a gRPC server. */
export function addKubeApiService(server: Server, handlers: KubeApiHandlers): void {
  addService(server, loadProto('kubelab-api').service(KUBE_API_SERVICE), kubeApiService(handlers));
}

/** A gRPC server with just this service. */
export function kubeApiServer(handlers: KubeApiHandlers): Server {
  const server = grpcServer({ receiveBytesMax: RECEIVE_BYTES_MAX });
  addKubeApiService(server, handlers);
  return server;
}

export function kubeApiService(handlers: KubeApiHandlers): ServiceHandlers {
  return {
    unary: {
      Call: (request: CallRequest, call) => handlers.call(request, peerOf(call), cancellationOf(call)),
    },
    bidi: { Watch: (stream: KubeWatchStream) => handlers.watch(stream, peerOf(stream)) },
  };
}

/** As upstream's limit of a request body, with room for the envelope. */
const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;

function peerOf(call: CallInfo): KubeApiPeer {
  return {
    clientCertificate: call.getAuthContext().sslPeerCertificate?.raw,
    authorization: textOf(call.metadata.get('authorization')[0]),
    userAgent: textOf(call.metadata.get('user-agent')[0]),
    address: call.getPeer(),
  };
}

function textOf(value: string | Buffer | undefined): string | undefined {
  return value?.toString();
}

function cancellationOf(call: CallInfo): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort(new Error('the client is gone')));
  return controller.signal;
}
