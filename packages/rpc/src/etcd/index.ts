export * from './auth-messages.ts';
export { EtcdText, isCompacted, isFutureRevision, isLeaseNotFound } from './errors.ts';
export { bytesOf, FROM_KEY, prefixEnd, textOf } from './keys.ts';
export * from './messages.ts';
export * from './recipe-messages.ts';
export { etcdServices } from './services.ts';
