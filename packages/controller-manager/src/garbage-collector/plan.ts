import type { GraphNode } from './graph.ts';

/**
 * What the API server says about one owner: `solid` = it lives, with this very uid · `absent` = no such
 * object, or another
 * one under its name · `waiting` = it is being deleted in the foreground and waits for its dependents.
 */
export type OwnerVerdict = 'solid' | 'absent' | 'waiting';

export type DeletionPolicy = 'Orphan' | 'Foreground' | 'Background';

export type Collection =
  | { readonly type: 'keep' }
  /** Some owners are gone, some live: only the references to the gone ones are taken off. */
  | { readonly type: 'drop-owners'; readonly uids: readonly string[] }
  | {
      readonly type: 'delete';
      readonly policy: DeletionPolicy;
      /** Two that wait for each other would wait for ever: this one stops blocking its owners. */
      readonly unblockOwners: boolean;
    };

/** K3: nothing is deleted that has a solid owner, nor anything that never had an owner. */
export function planCollection(
  verdicts: ReadonlyMap<string, OwnerVerdict>,
  dependents: readonly GraphNode[],
  finalizers: { readonly orphan: boolean; readonly foreground: boolean },
): Collection {
  const all = [...verdicts];
  if (all.length === 0) return { type: 'keep' };
  const gone = all.filter(([, verdict]) => verdict !== 'solid').map(([uid]) => uid);
  if (gone.length < all.length)
    return gone.length === 0 ? { type: 'keep' } : { type: 'drop-owners', uids: gone };
  const isAwaited = all.some(([, verdict]) => verdict === 'waiting');
  if (isAwaited && dependents.length > 0) {
    const unblockOwners = dependents.some(({ state }) => state === 'waits-for-dependents');
    return { type: 'delete', policy: 'Foreground', unblockOwners };
  }
  const policy = finalizers.orphan ? 'Orphan' : finalizers.foreground ? 'Foreground' : 'Background';
  return { type: 'delete', policy, unblockOwners: false };
}

/** Dependents that hold up a foreground deletion. */
export function blockers(owner: GraphNode, dependents: readonly GraphNode[]): GraphNode[] {
  return dependents.filter((dependent) =>
    dependent.owners.some(({ uid, blockOwnerDeletion }) => uid === owner.uid && blockOwnerDeletion === true),
  );
}
