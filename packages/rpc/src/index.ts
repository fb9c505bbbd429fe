export { acceptMessages, refuseUpgrade, type Upgrade } from './message-stream/accept.ts';
export { MessageStream, type MessageStreamOptions } from './message-stream/client.ts';
export { MessageSocket } from './message-stream/message-socket.ts';
export { loadProto, type Proto } from './proto.ts';
export type {
  BidiHandler,
  CallInfo,
  ServerStream,
  ServerStreamHandler,
  ServiceHandlers,
  UnaryHandler,
} from './handlers.ts';
export { timeoutMsOf } from './grpc-server/headers.ts';
export type { FramedDefinition } from './grpc-server/methods.ts';
export { GrpcServer, type ServerOptions } from './grpc-server/server.ts';
export {
  addKubeApiService,
  type KubeApiHandlers,
  kubeApiServer,
  type KubeWatchStream,
} from './serve-kube-api.ts';
export { isRpcError, RpcError, rpcErrorFrom, StatusCode, type StatusName, statusName } from './status.ts';
export { type ClientTls, hostPort, isSecure, type ServerTls } from './tls.ts';
export { type Codec, EMPTY_BYTES, type Init, type Int64, int64, WireForm } from './wire.ts';
