/** All that calls others by grpc-js, which is large: servers do without. */
export { Channel, type ChannelOptions, type UnaryOptions } from './channel.ts';
export { EtcdClient } from './etcd/client.ts';
export type { CallOptions, EtcdClientOptions } from './etcd/endpoints.ts';
export type { EtcdUser } from './etcd/login.ts';
export type { WatchHandlers, WatchOptions, WatchStream } from './etcd/watch.ts';
export {
  type KubeApiCallOptions,
  type KubeApiClient,
  kubeApiClient,
  type KubeWatchCall,
} from './kube-api-client.ts';
