import { loadProto } from '../proto.ts';

const proto = loadProto('etcd');

/** etcd's services as grpc-js wants them. */
export const etcdServices = {
  KV: proto.service('etcdserverpb.KV'),
  Watch: proto.service('etcdserverpb.Watch'),
  Lease: proto.service('etcdserverpb.Lease'),
  Cluster: proto.service('etcdserverpb.Cluster'),
  Maintenance: proto.service('etcdserverpb.Maintenance'),
  Auth: proto.service('etcdserverpb.Auth'),
} as const;
