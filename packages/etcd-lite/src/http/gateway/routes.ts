/** Paths of the gateway, as the HTTP annotations of etcd 3.5's `rpc.proto` name them; all by POST. */
const SERVICES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  KV: {
    'kv/range': 'Range',
    'kv/put': 'Put',
    'kv/deleterange': 'DeleteRange',
    'kv/txn': 'Txn',
    'kv/compaction': 'Compact',
  },
  Watch: { watch: 'Watch' },
  Lease: {
    'lease/grant': 'LeaseGrant',
    'lease/revoke': 'LeaseRevoke',
    'kv/lease/revoke': 'LeaseRevoke',
    'lease/keepalive': 'LeaseKeepAlive',
    'lease/timetolive': 'LeaseTimeToLive',
    'kv/lease/timetolive': 'LeaseTimeToLive',
    'lease/leases': 'LeaseLeases',
    'kv/lease/leases': 'LeaseLeases',
  },
  Cluster: {
    'cluster/member/add': 'MemberAdd',
    'cluster/member/remove': 'MemberRemove',
    'cluster/member/update': 'MemberUpdate',
    'cluster/member/list': 'MemberList',
    'cluster/member/promote': 'MemberPromote',
  },
  Maintenance: {
    'maintenance/alarm': 'Alarm',
    'maintenance/status': 'Status',
    'maintenance/defragment': 'Defragment',
    'maintenance/hash': 'Hash',
    'maintenance/hashkv': 'HashKV',
    'maintenance/snapshot': 'Snapshot',
    'maintenance/transfer-leadership': 'MoveLeader',
    'maintenance/downgrade': 'Downgrade',
  },
  'v3lockpb.Lock': { 'lock/lock': 'Lock', 'lock/unlock': 'Unlock' },
  'v3electionpb.Election': {
    'election/campaign': 'Campaign',
    'election/proclaim': 'Proclaim',
    'election/leader': 'Leader',
    'election/observe': 'Observe',
    'election/resign': 'Resign',
  },
  Auth: {
    'auth/enable': 'AuthEnable',
    'auth/disable': 'AuthDisable',
    'auth/status': 'AuthStatus',
    'auth/authenticate': 'Authenticate',
    'auth/user/add': 'UserAdd',
    'auth/user/get': 'UserGet',
    'auth/user/list': 'UserList',
    'auth/user/delete': 'UserDelete',
    'auth/user/changepw': 'UserChangePassword',
    'auth/user/grant': 'UserGrantRole',
    'auth/user/revoke': 'UserRevokeRole',
    'auth/role/add': 'RoleAdd',
    'auth/role/get': 'RoleGet',
    'auth/role/list': 'RoleList',
    'auth/role/delete': 'RoleDelete',
    'auth/role/grant': 'RoleGrantPermission',
    'auth/role/revoke': 'RoleRevokePermission',
  },
};

export interface GatewayRoute {
  /** `etcdserverpb.KV` */
  readonly service: string;
  readonly method: string;
}

/** By path below `/v3/` (or 3.3's `/v3beta/`). */
export const GATEWAY_ROUTES: ReadonlyMap<string, GatewayRoute> = new Map(
  Object.entries(SERVICES).flatMap(([service, methods]) =>
    Object.entries(methods).map(([path, method]) => [
      path,
      { service: service.includes('.') ? service : `etcdserverpb.${service}`, method },
    ]),
  ),
);
