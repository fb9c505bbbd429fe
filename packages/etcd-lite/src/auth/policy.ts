/**
 * Whom an RPC is for, by its path, where that does not depend on what is asked. RPCs that are not named look for themselves:
 * keys and leases in `services/` and in `apply`, users and roles in `apply`.
 */
export const POLICY: Readonly<Record<string, 'root' | 'user'>> = {
  '/etcdserverpb.Cluster/MemberAdd': 'root',
  '/etcdserverpb.Cluster/MemberRemove': 'root',
  '/etcdserverpb.Cluster/MemberUpdate': 'root',
  '/etcdserverpb.Cluster/MemberPromote': 'root',
  '/etcdserverpb.Cluster/MemberList': 'user',
  '/etcdserverpb.Maintenance/Defragment': 'root',
  '/etcdserverpb.Maintenance/Snapshot': 'root',
  '/etcdserverpb.Maintenance/Hash': 'root',
  '/etcdserverpb.Maintenance/HashKV': 'root',
  '/etcdserverpb.Maintenance/MoveLeader': 'root',
  '/etcdserverpb.Maintenance/Downgrade': 'root',
  '/etcdserverpb.Maintenance/Status': 'user',
};
