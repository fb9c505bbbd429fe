export { endProcess, freePort, startRealEtcd, startStore, type TestStore } from './real-etcd.ts';
export { frameOf } from '../grpc-server/message-reader.ts';
export { connectRaw, type RawAnswer, rawCall, type RawRequest } from '../grpc-server/testing/raw-call.ts';
