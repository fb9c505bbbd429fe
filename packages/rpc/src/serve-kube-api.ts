import type { CallInfo, ServerStream, ServiceHandlers } from './handlers.ts';
import {
  type CallRequest,
  type CallResponse,
  KUBE_API_SERVICE,
  type WatchRequest,
  type WatchResponse,
} from './kube-api.ts';
import { loadProto } from './proto.ts';
import { GrpcServer } from './grpc-server/server.ts';
import type { Init } from './wire.ts';

export type KubeWatchStream = ServerStream<WatchRequest, Init<WatchResponse>>;

export interface KubeApiHandlers {
  /** Refusals by the API are answers too; an error thrown here fails the RPC itself. */
  call(request: CallRequest, call: CallInfo): Promise<CallResponse>;
  /** Resolves when the stream is to end. */
  watch(stream: KubeWatchStream): Promise<void>;
}

/** Serves kubelab.api.v1.KubeApi on a gRPC server. */
export function addKubeApiService(server: GrpcServer, handlers: KubeApiHandlers): void {
  const services: ServiceHandlers = {
    unary: { Call: (request: CallRequest, call) => handlers.call(request, call) },
    bidi: { Watch: (stream: KubeWatchStream) => handlers.watch(stream) },
  };
  server.addService(loadProto('kubelab-api').service(KUBE_API_SERVICE), services);
}

/** A gRPC server with just this service. */
export function kubeApiServer(handlers: KubeApiHandlers): GrpcServer {
  const server = new GrpcServer({ receiveBytesMax: RECEIVE_BYTES_MAX });
  addKubeApiService(server, handlers);
  return server;
}

/** As upstream's limit of a request body, with room for the envelope. */
const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;
