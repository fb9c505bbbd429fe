/**
 * Garbage collector — deletes what its owners have left behind, and carries out foreground and orphaning
 * deletions.
 * Reads: the metadata of everything that can be deleted (own graph), the object and its owners (live, before
 * any write).
 * Writes: deletions, ownerReferences, the finalizers `foregroundDeletion` and `orphan`.
 * Invariants
 *   GC-1  the dependents of a uid are exactly the nodes that name it as an owner
 *   K3    nothing is deleted while the API server knows one of its owners under the uid it names; a kind that
 *         cannot be
 *         looked up counts as an owner that lives
 */
import { type KubeObject, type OwnerReference, parseGroupVersion, type ResourceType } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type Result } from '@kubelab/client';
import { assert } from '@kubelab/component-base';
import { discover, type ServedType } from '../shared/discovery.ts';
import { refOf, type Seen } from '../shared/objects.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { ifThere } from '../shared/writes.ts';
import { AbsentOwners } from './absent-owners.ts';
import { FOREGROUND, type GraphNode, ORPHAN, OwnerGraph } from './graph.ts';
import { Monitors } from './monitors.ts';
import { blockers, type Collection, type OwnerVerdict, planCollection } from './plan.ts';

const WORKERS = 20;
/** No uid: the key under which new resources are looked for. */
const DISCOVERY = 'discovery';
const DISCOVERY_PERIOD_MS = 60_000;
const SYNC_RETRY_MS = 200;
const LISTING_PATIENCE_MS = 30_000;

export function garbageCollector(
  deps: ControllerDeps,
  { signal }: { readonly signal: AbortSignal },
): ControllerSpec {
  const { client, clock } = deps;
  const startMs = clock.monotonic();
  const graph = new OwnerGraph();
  const absent = new AbsentOwners();
  let served: readonly ServedType[] = [];
  let enqueue: (key: string, afterMs?: number) => void = () => undefined;
  const monitors = new Monitors(deps, {
    graph,
    signal,
    look: (uids) => {
      for (const uid of uids) enqueue(uid);
    },
  });

  return {
    name: 'garbage-collector',
    workers: WORKERS,
    watch(add) {
      enqueue = add;
      monitors.watchShared();
      enqueue(DISCOVERY);
    },
    reconcile,
  };

  async function reconcile(key: string): Promise<Result> {
    if (key === DISCOVERY) {
      const { resources, failures } = await discover(client);
      // A group that did not answer is not gone: its monitors go on, and so does what we know of it.
      const silent = new Set(failures.map(({ groupVersion }) => groupVersion));
      served = [...resources, ...served.filter(({ apiVersion }) => silent.has(apiVersion))];
      monitors.follow(served);
      return { requeueAfterMs: DISCOVERY_PERIOD_MS };
    }
    const node = graph.get(key);
    if (node === undefined || node.state === 'going') return done;
    if (served.length === 0) return { requeueAfterMs: SYNC_RETRY_MS };
    if (node.state === 'orphans-dependents') return await letDependentsGo(node);
    if (node.state === 'waits-for-dependents') return await finishForeground(node);
    const owners = node.owners.map(({ uid }) => graph.get(uid));
    // With every owner at hand there is nothing to ask; its going will wake us.
    if (owners.every((owner) => owner !== undefined && owner.state !== 'waits-for-dependents')) return done;
    if (owners.includes(undefined) && isStillListing()) return { requeueAfterMs: SYNC_RETRY_MS };
    await collect(node);
    return done;
  }

  /**
   * Until the first lists are in, an unknown owner is most likely one not listed yet. Not for ever: the live
   * look decides.
   */
  function isStillListing(): boolean {
    return !monitors.hasSynced() && clock.monotonic() - startMs < LISTING_PATIENCE_MS;
  }

  async function collect(node: GraphNode): Promise<void> {
    const live = await getLive(node);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return;
    const verdicts = new Map<string, OwnerVerdict>();
    for (const owner of live.metadata.ownerReferences ?? []) {
      verdicts.set(owner.uid, await judge(owner, live.metadata.namespace));
    }
    const finalizers = live.metadata.finalizers ?? [];
    const plan = planCollection(verdicts, graph.dependentsOf(node.uid), {
      orphan: finalizers.includes(ORPHAN),
      foreground: finalizers.includes(FOREGROUND),
    });
    await carryOut(node.type, live, plan, verdicts);
  }

  async function carryOut(
    type: ResourceType,
    live: KubeObject,
    plan: Collection,
    verdicts: ReadonlyMap<string, OwnerVerdict>,
  ): Promise<void> {
    if (plan.type === 'keep') return;
    if (plan.type === 'drop-owners') {
      const left = (live.metadata.ownerReferences ?? []).filter(({ uid }) => !plan.uids.includes(uid));
      await writeOwners(type, live, left);
      return;
    }
    assert([...verdicts.values()].every((verdict) => verdict !== 'solid') && verdicts.size > 0, 'K3');
    let { uid, resourceVersion } = live.metadata;
    if (plan.unblockOwners) {
      const freed = (live.metadata.ownerReferences ?? []).map((owner) => ({
        ...owner,
        blockOwnerDeletion: false,
      }));
      const written = await writeOwners(type, live, freed);
      if (written === undefined) return;
      ({ uid, resourceVersion } = written.metadata);
    }
    await ifThere(() =>
      client.delete(type, refOf(live), {
        propagationPolicy: plan.policy,
        preconditions: { uid, resourceVersion },
      }),
    );
  }

  /** Asks the API server itself: a graph that is behind must not decide over life and death. */
  async function judge(owner: Seen<OwnerReference>, namespace: string | undefined): Promise<OwnerVerdict> {
    if (absent.has(owner.uid)) return 'absent';
    const type = typeOf(owner);
    // A cluster-wide object cannot be owned by something in a namespace: nobody can say which one is meant.
    if (type.namespaced && namespace === undefined) return 'solid';
    const found = await ifThere(() =>
      client.get(type, { name: owner.name, namespace: type.namespaced ? namespace : undefined }),
    );
    if (found === undefined || found.metadata.uid !== owner.uid) {
      absent.add(owner.uid);
      return 'absent';
    }
    const { deletionTimestamp, finalizers = [] } = found.metadata;
    return deletionTimestamp !== undefined && finalizers.includes(FOREGROUND) ? 'waiting' : 'solid';
  }

  /** Throws for a kind that is not served (now): the pass comes again later, and the dependent stays. */
  function typeOf({ apiVersion, kind }: Seen<OwnerReference>): ServedType {
    const { group } = parseGroupVersion(apiVersion);
    const type = served.find((candidate) => candidate.group === group && candidate.kind === kind);
    if (type === undefined) throw new Error(`owner of unknown kind ${kind} in ${apiVersion}`);
    return type;
  }

  /** Foreground: the owner goes when no dependent blocks it any more. */
  async function finishForeground(node: GraphNode): Promise<Result> {
    if (!monitors.hasSynced()) return { requeueAfterMs: SYNC_RETRY_MS };
    const waitingFor = blockers(node, graph.dependentsOf(node.uid));
    if (waitingFor.length === 0) await removeFinalizer(node, FOREGROUND);
    else for (const { uid, state } of waitingFor) if (state === 'live') enqueue(uid);
    return done;
  }

  /** Orphan: first nobody names the owner any more, then it goes. */
  async function letDependentsGo(node: GraphNode): Promise<Result> {
    if (!monitors.hasSynced()) return { requeueAfterMs: SYNC_RETRY_MS };
    await allOrThrow(
      graph.dependentsOf(node.uid).map(async (dependent) => {
        const live = await getLive(dependent);
        const owners = live?.metadata.ownerReferences ?? [];
        if (live === undefined || !owners.some(({ uid }) => uid === node.uid)) return;
        await writeOwners(
          dependent.type,
          live,
          owners.filter(({ uid }) => uid !== node.uid),
        );
      }),
    );
    await removeFinalizer(node, ORPHAN);
    return done;
  }

  async function removeFinalizer(node: GraphNode, finalizer: string): Promise<void> {
    const live = await getLive(node);
    if (live === undefined) return;
    const finalizers = (live.metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const { uid, resourceVersion } = live.metadata;
    const metadata = { uid, resourceVersion, finalizers };
    await ifThere(() => client.patch(node.type, refOf(live), { metadata }, { type: 'merge' }));
  }

  /** The object as it is now; undefined when it is gone or another one has its name. */
  async function getLive(node: GraphNode): Promise<KubeObject | undefined> {
    const live = await ifThere(() => client.get(node.type, node));
    if (live?.metadata.uid === node.uid) return live;
    // The watch will say so too; the graph need not wait for it.
    for (const uid of graph.remove(node.uid)) enqueue(uid);
    return undefined;
  }

  function writeOwners(
    type: ResourceType,
    live: KubeObject,
    ownerReferences: readonly OwnerReference[],
  ): Promise<KubeObject | undefined> {
    const { uid, resourceVersion } = live.metadata;
    const patch = { metadata: { uid, resourceVersion, ownerReferences } };
    return ifThere(() => client.patch(type, refOf(live), patch, { type: 'merge' }));
  }
}
