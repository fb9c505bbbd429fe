export { RaftInvariantError } from './assert.ts';
export * from './conf-change.ts';
export * from './config.ts';
export * from './messages.ts';
export * from './raft.ts';
export * from './types.ts';
