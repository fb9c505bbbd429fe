import { EtcdError } from './errors.ts';
import type { MemberRecord, Members } from './members.ts';

/** What the member that is asked for a change sees of the others. */
export interface Connections {
  readonly self: string;
  readonly nowMs: number;
  /** Since when messages reach that member; undefined: they do not, now. */
  readonly activeSinceMs: (raftId: string) => number | undefined;
}

/** etcd's `HealthInterval`: who has been reached for this long is counted on. */
const HEALTH_INTERVAL_MS = 5000;
/** etcd's `readyPercentThreshold`. */
const READY_SHARE = 0.9;

/** etcd's `mayAddMember`: with the new member not yet there, a quorum must be. */
export function checkAdd(members: Members, isLearner: boolean, connections: Connections): void {
  const voters = members.voters();
  const startedCount = voters.filter(isStarted).length;
  // A single member may always grow: that is how a cluster is rebuilt.
  const isAlone = startedCount === 1 && voters.length === 1;
  if (!isLearner && !isAlone && startedCount < quorum(voters.length + 1)) {
    throw new EtcdError('notEnoughStarted');
  }
  if (voters.length > 1 && healthyCount(voters, connections) < quorum(voters.length + 1)) {
    throw new EtcdError('unhealthy');
  }
}

/** etcd's `mayRemoveMember`: what is left must be a quorum of what is left. */
export function checkRemove(members: Members, raftId: string, connections: Connections): void {
  if (members.get(raftId)?.isLearner === true) return;
  const voters = members.voters();
  const left = voters.filter((member) => member.raftId !== raftId);
  if (left.filter(isStarted).length < quorum(left.length)) throw new EtcdError('notEnoughStarted');
  // One that is down is no part of the quorum that works.
  if (raftId !== connections.self && connections.activeSinceMs(raftId) === undefined) return;
  const activeCount = healthyCount(voters, connections);
  if (activeCount - 1 < 1 + Math.floor((voters.length - 1) / 2)) throw new EtcdError('unhealthy');
}

/** etcd's `mayPromoteMember`: the learner counts as started. */
export function checkPromote(members: Members): void {
  const voters = members.voters();
  if (1 + voters.filter(isStarted).length < quorum(1 + voters.length))
    throw new EtcdError('notEnoughStarted');
}

/** etcd's `isLearnerReady`, asked of the leader: `match` is how far a member's log is known to be. */
export function checkInSync(learnerMatch: number | undefined, leaderMatch: number): void {
  if (learnerMatch === undefined) throw new EtcdError('memberNotFound');
  if (learnerMatch < leaderMatch * READY_SHARE) throw new EtcdError('learnerNotReady');
}

function isStarted({ name }: MemberRecord): boolean {
  return name !== '';
}

function quorum(count: number): number {
  return Math.floor(count / 2) + 1;
}

function healthyCount(voters: readonly MemberRecord[], { self, nowMs, activeSinceMs }: Connections): number {
  return voters.filter(({ raftId }) => {
    const sinceMs = raftId === self ? Number.NEGATIVE_INFINITY : activeSinceMs(raftId);
    return sinceMs !== undefined && sinceMs < nowMs - HEALTH_INTERVAL_MS;
  }).length;
}
