import type { KubeObject, ObjectMeta, OwnerReference, ResourceType } from '@kubelab/api';
import type { Seen } from '../shared/objects.ts';

export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

/** All that the garbage collector keeps of an object. */
export interface GraphNode {
  readonly uid: string;
  readonly type: ResourceType;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly owners: readonly Seen<OwnerReference>[];
  readonly state: NodeState;
}

/**
 * `live` · `going`: being deleted, by itself · `waits-for-dependents`: being deleted in the foreground, after
 * its dependents ·
 * `orphans-dependents`: being deleted after its dependents have been let go
 */
export type NodeState = 'live' | 'going' | 'waits-for-dependents' | 'orphans-dependents';

export function nodeOf(type: ResourceType, { metadata }: Seen<KubeObject>): GraphNode {
  const { uid, namespace, name, ownerReferences } = metadata;
  return { uid, type, namespace, name, owners: ownerReferences ?? [], state: stateOf(metadata) };
}

function stateOf(metadata: Seen<ObjectMeta>): NodeState {
  if (metadata.deletionTimestamp === undefined) return 'live';
  if (metadata.finalizers?.includes(ORPHAN) === true) return 'orphans-dependents';
  return metadata.finalizers?.includes(FOREGROUND) === true ? 'waits-for-dependents' : 'going';
}

/**
 * Who owns whom, by uid. Every change answers the uids that deserve another look.
 * Invariant
 *   GC-1  the dependents of a uid are exactly the nodes that name it as an owner, whether or not that owner
 *         was ever seen
 */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get size(): number {
    return this.#nodes.size;
  }
  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }
  dependentsOf(uid: string): GraphNode[] {
    return [...(this.#dependents.get(uid) ?? [])].flatMap((dependent) => this.#nodes.get(dependent) ?? []);
  }

  upsert(node: GraphNode): string[] {
    const old = this.#nodes.get(node.uid);
    if (old !== undefined && isSame(old, node)) return [];
    this.#nodes.set(node.uid, node);
    this.#unlink(old);
    for (const { uid } of node.owners) {
      const set = this.#dependents.get(uid) ?? new Set();
      this.#dependents.set(uid, set.add(node.uid));
    }
    const look = new Set<string>();
    if (node.owners.length > 0 || node.state !== 'live') look.add(node.uid);
    // Someone waiting for this one may have waited long enough.
    for (const { uid } of old?.owners ?? [])
      if (this.#nodes.get(uid)?.state === 'waits-for-dependents') look.add(uid);
    if (node.state === 'waits-for-dependents')
      for (const { uid } of this.dependentsOf(node.uid)) look.add(uid);
    return [...look];
  }

  remove(uid: string): string[] {
    const old = this.#nodes.get(uid);
    if (old === undefined) return [];
    this.#nodes.delete(uid);
    this.#unlink(old);
    const waiting = old.owners.filter(
      (owner) => this.#nodes.get(owner.uid)?.state === 'waits-for-dependents',
    );
    return [
      ...this.dependentsOf(uid).map((dependent) => dependent.uid),
      ...waiting.map((owner) => owner.uid),
    ];
  }

  /** Uids of one resource: what a new list has to account for. */
  uidsOf(type: ResourceType): string[] {
    return [...this.#nodes.values()].filter((node) => node.type === type).map(({ uid }) => uid);
  }

  #unlink(old: GraphNode | undefined): void {
    const owners = new Set(
      old === undefined ? [] : (this.#nodes.get(old.uid)?.owners ?? []).map(({ uid }) => uid),
    );
    for (const { uid } of old?.owners ?? []) {
      if (owners.has(uid)) continue;
      const set = this.#dependents.get(uid);
      set?.delete(old?.uid ?? '');
      if (set?.size === 0) this.#dependents.delete(uid);
    }
  }
}

function isSame(a: GraphNode, b: GraphNode): boolean {
  return a.state === b.state && a.name === b.name && ownersText(a) === ownersText(b);
}

function ownersText({ owners }: GraphNode): string {
  return owners.map((owner) => `${owner.uid} ${owner.blockOwnerDeletion === true}`).join();
}
