export { endProcess, freePort, startRealEtcd, startStore, type TestStore } from './real-etcd.ts';
