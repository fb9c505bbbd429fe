export { MvccStore } from './core/mvcc-store.ts';
export { StateMachine } from './core/state-machine.ts';
export { WatchHub } from './core/watch-hub.ts';
export { bindServices } from './services/bind.ts';
export { ETCD_VERSION } from './services/maintenance.ts';
export { parseCluster } from './shell/cluster.ts';
export { Member, type MemberOptions } from './shell/member.ts';
export { Wal } from './wal/wal.ts';
