import { assert } from '@kubelab/component-base';
import type { ClusterDescription } from '../wire.ts';

/** What a member without data is to do, after what the others have told it so far. */
export type AdmissionStep =
  | { readonly kind: 'wait' }
  /** All is new: begin, and vote in no election up to `term`. */
  | { readonly kind: 'found'; readonly term: number }
  /** There is a cluster, and this is its leader. */
  | { readonly kind: 'join'; readonly leader: string; readonly urls: readonly string[] }
  | { readonly kind: 'foreign'; readonly clusterId: number };

/**
 * A member that has lost its data looks like one that never had any: only the others can tell. Where one of them
 * remembers anything, its leader decides. Otherwise the cluster begins as soon as a majority is new: then nothing
 * can have been decided that is still known to enough members. One that has begun and heard of nothing since is new
 * only if it had not begun yet when this one was up already (`hasAsked`): else it may have missed what others have
 * decided, with this one before it lost its data. When all answer and none has data, that does not matter.
 * Invariants
 *   CONF-7  a cluster is founded only by a majority without data, none of whom knows of one with data
 */
export function nextAdmissionStep(
  clusterId: number,
  memberCount: number,
  answers: readonly ClusterDescription[],
  hasAsked: (raftId: string) => boolean = () => false,
): AdmissionStep {
  const foreign = answers.find((answer) => answer.clusterId !== clusterId);
  if (foreign !== undefined) return { kind: 'foreign', clusterId: foreign.clusterId };
  const old = answers.filter(({ isFresh }) => !isFresh);
  if (old.length > 0) return joinStep(old);
  const newCount = 1 + answers.filter(({ raftId }) => raftId === '' || hasAsked(raftId)).length;
  const isMajority = 2 * newCount > memberCount || answers.length === memberCount - 1;
  if (!isMajority) return { kind: 'wait' };
  assert(
    answers.every(({ isFresh }) => isFresh),
    'CONF-7',
    'a member has data',
  );
  return { kind: 'found', term: Math.max(1, ...answers.map(({ term }) => term)) };
}

/** By the member that is furthest in terms: it names the newest leader. */
export function joinStep(answers: readonly ClusterDescription[]): AdmissionStep {
  const [newest] = answers.filter(({ leader }) => leader !== '').sort((a, b) => b.term - a.term);
  if (newest === undefined) return { kind: 'wait' };
  const urls = newest.members.find(({ raftId }) => raftId === newest.leader)?.peerUrls;
  return urls === undefined ? { kind: 'wait' } : { kind: 'join', leader: newest.leader, urls };
}
