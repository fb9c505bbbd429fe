/** A leader whose configuration changes (Raft §6). */
import { encodeConfChange, isVoter, leaveJoint } from './conf-change.ts';
import type { Core } from './core.ts';
import { commitByQuorum, proposeAsLeader } from './leader.ts';
import { answerConfirmedReads } from './leader-reads.ts';
import { trackMembers } from './replication.ts';

/** `core.conf` is the new configuration, just applied. */
export function confChanged(core: Core): void {
  const leading = core.leadership();
  // A new member is sent the last entry at once: its answer tells where to begin. It counts as active, lest
  // it cost the leader its quorum before it could speak.
  trackMembers(core, leading, Math.max(core.log.lastIndex, 1), true);
  if (!isVoter(core.conf, core.id)) return core.becomeFollower(core.term, undefined);
  const { leadTransferee } = leading;
  if (leadTransferee !== undefined && leading.progress.get(leadTransferee)?.isLearner !== false) {
    leading.leadTransferee = undefined;
  }
  leading.isAppendDue = true;
  // A smaller quorum may have reached what the larger had not.
  commitByQuorum(core);
  answerConfirmedReads(core, leading);
}

/** Once a joint configuration that leaves itself is applied, the leader proposes to leave it. */
export function leaveJointWhenDue(core: Core): void {
  const leading = core.leadership();
  if (!core.conf.autoLeave || leading.pendingConfIndex > core.log.applied) return;
  proposeAsLeader(core, 'conf-change', encodeConfChange(leaveJoint));
}
