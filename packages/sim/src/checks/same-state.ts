import { createHash } from 'node:crypto';
import type { Running } from '../world/sim-node.ts';

/** All that members must agree on once they have applied the same: keys with their revisions, leases, the rest. */
export function stateHash({ member }: Running): string {
  const { store, lessor, state } = member.machine;
  const hash = createHash('sha256');
  const say = (...what: readonly unknown[]): void => void hash.update(JSON.stringify(what)).update('\n');
  say(store.revision, store.compactRevision);
  for (const { text, versions } of store.histories()) {
    for (const { modRevision, createRevision, version, lease, value } of versions) {
      if (modRevision >= store.compactRevision)
        say(text, modRevision, createRevision, version, lease, Buffer.from(value).toString('latin1'));
    }
  }
  for (const { id, ttl, keys } of [...lessor.all()].toSorted((a, b) => (a.id < b.id ? -1 : 1)))
    say(id, ttl, [...keys].sort());
  for (const [key, alarm] of state.alarms) say(key, alarm);
  const { enabled, revision, users, roles } = state.auth.stored();
  say(enabled, revision, users, roles);
  for (const { raftId, name, peerUrls, clientUrls, isLearner, autoPromote } of state.members.all())
    say(raftId, name, peerUrls, clientUrls, isLearner, autoPromote);
  say([...state.members.removed].sort());
  return hash.digest('hex');
}
