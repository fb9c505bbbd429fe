export * from './auth-messages.ts';
export { EtcdClient } from './client.ts';
export type { CallOptions, EtcdClientOptions } from './endpoints.ts';
export { EtcdText, isCompacted, isFutureRevision, isLeaseNotFound } from './errors.ts';
export { bytesOf, FROM_KEY, prefixEnd, textOf } from './keys.ts';
export type { EtcdUser } from './login.ts';
export * from './messages.ts';
export { etcdServices } from './services.ts';
export type { WatchHandlers, WatchOptions, WatchStream } from './watch.ts';
