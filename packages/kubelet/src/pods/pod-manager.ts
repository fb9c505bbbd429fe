import type { DeepReadonly, Informer } from '@kubelab/client';
import type { Pod } from '@kubelab/api';
import { isMirrorPod } from '@kubelab/api';
import { noRuntime, type PodObject, type PodRuntime } from '../core/types.ts';
import type { PodIdentity, PodListing, RuntimeEvent, StateEntry } from '../runtime/types.ts';
import type { PodDeps } from './deps.ts';
import { PodWorker } from './pod-worker.ts';

/**
 * One worker for each pod that the API wants here or the runtime has here.
 * Invariants
 *   MANAGER-1  nothing is started or removed before both the API's pods and the runtime's containers are known
 */
export class PodManager {
  readonly #deps: PodDeps;
  readonly #pods: Informer<Pod>;
  readonly #workers = new Map<string, PodWorker>();
  /** What the runtime had when it was last asked for everything; undefined while it is down. */
  #known: Map<string, PodRuntime> | undefined;
  #hasSynced = false;

  constructor(deps: PodDeps, pods: Informer<Pod>) {
    this.#deps = deps;
    this.#pods = pods;
    pods.addHandler({
      onAdd: (pod) => this.#update(pod),
      onUpdate: (old, pod) => {
        if (old.metadata.uid !== pod.metadata.uid) this.#remove(old);
        this.#update(pod);
      },
      onDelete: (pod) => this.#remove(pod),
    });
  }

  /** The informer has all pods of this node. */
  onSynced(): void {
    this.#hasSynced = true;
    this.#begin();
  }

  onRuntimeUp(listing: PodListing): void {
    this.#known = groupByPod(listing);
    if (!this.#hasSynced) return;
    for (const worker of this.#workers.values()) worker.invalidate();
    this.#begin();
  }

  onRuntimeDown(): void {
    this.#known = undefined;
  }

  /** The kubelet ends; its pods go on. */
  stop(): void {
    for (const worker of this.#workers.values()) worker.stop();
  }

  onEvent(event: RuntimeEvent): void {
    this.#workers.get(event.podUid)?.onEvent(event);
  }

  /** The slow comparison: a worker whose picture differs looks again, and what belongs to no pod goes. */
  onStates(states: readonly StateEntry[]): void {
    const running = Map.groupBy(
      states.filter(({ isRunning }) => isRunning),
      ({ podUid }) => podUid,
    );
    for (const worker of this.#workers.values()) {
      const known = worker.knownRuntime;
      if (known === undefined) continue;
      const expected = [
        ...known.containers.filter(({ state }) => state === 'running'),
        ...known.sandboxes.filter(({ isReady }) => isReady),
      ].map(({ id }) => id);
      const actual = (running.get(worker.uid) ?? []).map(({ id }) => id);
      if (expected.length !== actual.length || expected.some((id) => !actual.includes(id)))
        worker.invalidate();
    }
    if (states.some(({ podUid }) => !this.#workers.has(podUid))) void this.#findOrphans();
  }

  /** Pods that were let in and have not ended. */
  admitted(): readonly PodObject[] {
    return [...this.#workers.values()].filter(({ usesResources }) => usesResources).map(({ pod }) => pod);
  }

  /** Pods with their addresses, of those that have one. */
  addresses(): readonly { readonly pod: PodObject; readonly podIp: string }[] {
    return [...this.#workers.values()].filter(({ usesResources }) => usesResources);
  }

  kick(uid: string): void {
    this.#workers.get(uid)?.kick();
  }

  kickAll(): void {
    for (const worker of this.#workers.values()) worker.kick();
  }

  pods(): readonly PodObject[] {
    return [...this.#workers.values()].map(({ pod }) => pod);
  }

  find(namespace: string, name: string): PodObject | undefined {
    return this.pods().find((pod) => pod.metadata.namespace === namespace && pod.metadata.name === name);
  }

  #begin(): void {
    if (!this.#hasSynced || this.#known === undefined) return; // MANAGER-1
    for (const pod of this.#pods.list()) this.#update(pod);
    for (const [uid, runtime] of this.#known) if (!this.#workers.has(uid)) this.#removeOrphan(uid, runtime);
    void this.#removeOldFolders();
  }

  #update(pod: DeepReadonly<Pod>): void {
    if (!this.#hasSynced || this.#known === undefined || isMirrorPod(pod)) return; // MANAGER-1
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid) ?? this.#addWorker(pod, this.#known.get(uid) ?? noRuntime);
    worker.update(pod);
  }

  #remove(pod: DeepReadonly<Pod>): void {
    this.#workers.get(pod.metadata.uid)?.remove(pod);
  }

  #addWorker(pod: PodObject, runtime: PodRuntime): PodWorker {
    const { uid } = pod.metadata;
    const worker = new PodWorker(this.#deps, pod, runtime, () => {
      this.#workers.delete(uid);
      this.#known?.delete(uid);
    });
    this.#workers.set(uid, worker);
    return worker;
  }

  /** Containers of a pod that the API no longer has: taken down as if it had just been deleted. */
  #removeOrphan(uid: string, runtime: PodRuntime): void {
    const record = runtime.containers[0] ?? runtime.sandboxes[0];
    if (record === undefined) return;
    this.#deps.log.info('removing an orphaned pod', { uid, pod: record.pod.name });
    const pod = orphan(record.pod, runtime);
    this.#addWorker(pod, runtime).remove(pod);
  }

  async #findOrphans(): Promise<void> {
    const found = groupByPod(await this.#deps.runtime.listPods());
    for (const [uid, runtime] of found) {
      if (!this.#workers.has(uid) && this.#known !== undefined) this.#removeOrphan(uid, runtime);
    }
  }

  async #removeOldFolders(): Promise<void> {
    for (const uid of await this.#deps.volumes.podUids()) {
      if (!this.#workers.has(uid)) await this.#deps.volumes.tearDown(uid);
    }
  }
}

function groupByPod({ sandboxes, containers }: PodListing): Map<string, PodRuntime> {
  const uids = new Set([...sandboxes, ...containers].map(({ pod }) => pod.uid));
  return new Map(
    [...uids].map((uid) => [
      uid,
      {
        sandboxes: sandboxes.filter(({ pod }) => pod.uid === uid),
        containers: containers.filter(({ pod }) => pod.uid === uid),
      },
    ]),
  );
}

/** As much of a pod as its containers' labels tell. */
function orphan({ name, namespace, uid }: PodIdentity, runtime: PodRuntime): PodObject {
  const names = new Set(runtime.containers.map((record) => record.name));
  return {
    metadata: { name, namespace, uid, resourceVersion: '', creationTimestamp: '' },
    spec: {
      containers: [...names].map((container) => ({ name: container })),
      terminationGracePeriodSeconds: 1,
    },
  };
}
