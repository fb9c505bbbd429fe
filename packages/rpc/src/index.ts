export { Channel, type ChannelOptions, type UnaryOptions } from './channel.ts';
export {
  type KubeApiCallOptions,
  type KubeApiClient,
  kubeApiClient,
  type KubeWatchCall,
} from './kube-api-client.ts';
export { loadProto, type Proto } from './proto.ts';
export {
  addService,
  type BidiHandler,
  type CallInfo,
  grpcServer,
  listen,
  type ServerOptions,
  type ServerStreamHandler,
  type ServiceHandlers,
  stopServer,
  type UnaryHandler,
} from './server.ts';
export {
  addKubeApiService,
  type KubeApiHandlers,
  type KubeApiPeer,
  kubeApiServer,
  type KubeWatchStream,
} from './serve-kube-api.ts';
export { isRpcError, RpcError, rpcErrorFrom, StatusCode, type StatusName } from './status.ts';
export {
  type ClientTls,
  clientCredentials,
  hostPort,
  isSecure,
  serverCredentials,
  type ServerTls,
} from './tls.ts';
export { type Codec, EMPTY_BYTES, type Init, type Int64, int64 } from './wire.ts';
