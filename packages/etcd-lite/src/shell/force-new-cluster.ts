import { assert } from '@kubelab/component-base';
import type { Entry, InitialState } from 'raft-consensus';
import { changeEntry, proposedChange } from '../core/member-change-codec.ts';
import { type MemberChange, Members } from '../core/members.ts';
import { EtcdError } from '../core/errors.ts';

/**
 * `--force-new-cluster`: what must follow in the log so that this member is the whole cluster, when the others
 * are lost for good. All that is in the log counts as committed: some of it was acknowledged, and nobody is
 * left to say which. `before` are the members as of the log's beginning.
 */
export function entriesToBeAlone(initial: InitialState, before: Members, self: string): Entry[] {
  const members = new Members(before.all(), before.removed);
  for (const entry of initial.log.entries) {
    const proposed = entry.type === 'conf-change' ? proposedChange(entry) : undefined;
    if (proposed !== undefined) applyIfValid(members, proposed.change);
  }
  assert(members.get(self) !== undefined, 'CONF-1', 'this member was removed from the cluster');
  const changes: MemberChange[] = [];
  if (members.get(self)?.isLearner === true) changes.push({ kind: 'promote', raftId: self });
  for (const { raftId } of members.all()) if (raftId !== self) changes.push({ kind: 'remove', raftId });
  const { snapshotIndex, snapshotTerm, entries } = initial.log;
  const lastIndex = entries.at(-1)?.index ?? snapshotIndex;
  const term = Math.max(initial.hardState.term, entries.at(-1)?.term ?? snapshotTerm);
  // One at a time, as ever: they are applied before this member campaigns.
  return changes.map((change, i) =>
    changeEntry({ change, proposer: self, id: 0 }, { term, index: lastIndex + 1 + i }),
  );
}

function applyIfValid(members: Members, change: MemberChange): void {
  try {
    members.check(change);
  } catch (error) {
    if (error instanceof EtcdError) return;
    throw error;
  }
  members.apply(change);
}
