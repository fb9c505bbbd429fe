import { RpcError, StatusCode } from '@kubelab/rpc';

/** etcd's errors: the code and the exact text are part of its API, as clients map them back by both. */
const TABLE = {
  emptyKey: [StatusCode.INVALID_ARGUMENT, 'key is not provided'],
  keyNotFound: [StatusCode.INVALID_ARGUMENT, 'key not found'],
  valueProvided: [StatusCode.INVALID_ARGUMENT, 'value is provided'],
  leaseProvided: [StatusCode.INVALID_ARGUMENT, 'lease is provided'],
  tooManyOps: [StatusCode.INVALID_ARGUMENT, 'too many operations in txn request'],
  duplicateKey: [StatusCode.INVALID_ARGUMENT, 'duplicate key given in txn request'],
  invalidSortOption: [StatusCode.INVALID_ARGUMENT, 'invalid sort option'],
  invalidClientApiVersion: [StatusCode.INVALID_ARGUMENT, 'invalid client api version'],
  requestTooLarge: [StatusCode.INVALID_ARGUMENT, 'request is too large'],
  compacted: [StatusCode.OUT_OF_RANGE, 'mvcc: required revision has been compacted'],
  futureRevision: [StatusCode.OUT_OF_RANGE, 'mvcc: required revision is a future revision'],
  noSpace: [StatusCode.RESOURCE_EXHAUSTED, 'mvcc: database space exceeded'],
  tooManyRequests: [StatusCode.RESOURCE_EXHAUSTED, 'too many requests'],
  leaseNotFound: [StatusCode.NOT_FOUND, 'requested lease not found'],
  leaseExists: [StatusCode.FAILED_PRECONDITION, 'lease already exists'],
  leaseTtlTooLarge: [StatusCode.OUT_OF_RANGE, 'too large lease TTL'],
  noLeader: [StatusCode.UNAVAILABLE, 'no leader'],
  notLeader: [StatusCode.FAILED_PRECONDITION, 'not leader'],
  leaderChanged: [StatusCode.UNAVAILABLE, 'leader changed'],
  stopped: [StatusCode.UNAVAILABLE, 'server stopped'],
  timeout: [StatusCode.UNAVAILABLE, 'request timed out'],
  timeoutLeaderFail: [StatusCode.UNAVAILABLE, 'request timed out, possibly due to previous leader failure'],
  timeoutWaitApplied: [
    StatusCode.UNAVAILABLE,
    'request timed out, waiting for the applied index took too long',
  ],
  badLeaderTransferee: [StatusCode.FAILED_PRECONDITION, 'bad leader transferee'],
  learnerNotSupported: [StatusCode.FAILED_PRECONDITION, 'rpc not supported for learner'],
  corrupt: [StatusCode.DATA_LOSS, 'corrupt cluster'],
  unhealthy: [StatusCode.UNAVAILABLE, 'unhealthy cluster'],
  memberExists: [StatusCode.FAILED_PRECONDITION, 'member ID already exist'],
  peerUrlExists: [StatusCode.FAILED_PRECONDITION, 'Peer URLs already exists'],
  // etcd has a code for this one too, but loses it on the way (`toGRPCErrorMap` names the client's error).
  notEnoughStarted: [StatusCode.UNKNOWN, 're-configuration failed due to not enough started members'],
  memberBadUrls: [StatusCode.INVALID_ARGUMENT, 'given member URLs are invalid'],
  memberNotFound: [StatusCode.NOT_FOUND, 'member not found'],
  memberNotLearner: [StatusCode.FAILED_PRECONDITION, 'can only promote a learner member'],
  learnerNotReady: [
    StatusCode.FAILED_PRECONDITION,
    'can only promote a learner member which is in sync with leader',
  ],
  tooManyLearners: [StatusCode.FAILED_PRECONDITION, 'too many learner members in cluster'],
  rootUserNotExist: [StatusCode.FAILED_PRECONDITION, 'root user does not exist'],
  rootRoleNotExist: [StatusCode.FAILED_PRECONDITION, 'root user does not have root role'],
  userExists: [StatusCode.FAILED_PRECONDITION, 'user name already exists'],
  userEmpty: [StatusCode.INVALID_ARGUMENT, 'user name is empty'],
  userNotFound: [StatusCode.FAILED_PRECONDITION, 'user name not found'],
  roleExists: [StatusCode.FAILED_PRECONDITION, 'role name already exists'],
  roleNotFound: [StatusCode.FAILED_PRECONDITION, 'role name not found'],
  roleEmpty: [StatusCode.INVALID_ARGUMENT, 'role name is empty'],
  authFailed: [StatusCode.INVALID_ARGUMENT, 'authentication failed, invalid user ID or password'],
  permissionNotGiven: [StatusCode.INVALID_ARGUMENT, 'permission not given'],
  permissionDenied: [StatusCode.PERMISSION_DENIED, 'permission denied'],
  roleNotGranted: [StatusCode.FAILED_PRECONDITION, 'role is not granted to the user'],
  permissionNotGranted: [StatusCode.FAILED_PRECONDITION, 'permission is not granted to the role'],
  authNotEnabled: [StatusCode.FAILED_PRECONDITION, 'authentication is not enabled'],
  invalidAuthToken: [StatusCode.UNAUTHENTICATED, 'invalid auth token'],
  invalidAuthMgmt: [StatusCode.INVALID_ARGUMENT, 'invalid auth management'],
  authOldRevision: [StatusCode.INVALID_ARGUMENT, 'revision of auth store is old'],
  wrongDowngradeVersion: [StatusCode.INVALID_ARGUMENT, 'wrong downgrade target version format'],
  invalidDowngradeTarget: [StatusCode.INVALID_ARGUMENT, 'invalid downgrade target version'],
  noInflightDowngrade: [StatusCode.FAILED_PRECONDITION, 'no inflight downgrade job'],
  unknownMethod: [StatusCode.UNKNOWN, 'unknown method'],
} as const satisfies Record<string, readonly [StatusCode, string]>;

export type EtcdErrorName = keyof typeof TABLE;

/** A refusal with etcd's words. Thrown by checks and by `apply`, answered to the caller as it is. */
export class EtcdError extends RpcError {
  readonly reason: EtcdErrorName;
  constructor(reason: EtcdErrorName) {
    const [code, text] = TABLE[reason];
    super(code, `etcdserver: ${text}`);
    this.name = 'EtcdError';
    this.reason = reason;
  }
}
