import { loadProto } from '../proto.ts';

const proto = loadProto('etcd-services');

/** etcd's services as grpc-js wants them. */
export const etcdServices = {
  KV: proto.service('etcdserverpb.KV'),
  Watch: proto.service('etcdserverpb.Watch'),
  Lease: proto.service('etcdserverpb.Lease'),
  Cluster: proto.service('etcdserverpb.Cluster'),
  Maintenance: proto.service('etcdserverpb.Maintenance'),
  Auth: proto.service('etcdserverpb.Auth'),
  Lock: proto.service('v3lockpb.Lock'),
  Election: proto.service('v3electionpb.Election'),
  Health: proto.service('grpc.health.v1.Health'),
} as const;
