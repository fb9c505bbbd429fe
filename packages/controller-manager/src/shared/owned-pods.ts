import {
  controllerOf,
  isTerminating,
  type KubeObject,
  type LabelMatcher,
  type NewObject,
  objectKey,
  Pod,
  type ResourceType,
} from '@kubelab/api';
import { type ControllerDeps, Expectations, type Informer, type ObjectKey } from '@kubelab/client';
import { carryOutClaim, planClaim } from './claim.ts';
import type { Seen } from './objects.ts';
import { podControl } from './pod-control.ts';
import type { SeenPod } from './pods.ts';
import { slowStart } from './slow-start.ts';
import { type Enqueue, indexOrphans, onOwned, orphansOf } from './watching.ts';

/** The kind of owner whose pods are kept. */
export interface PodOwners<O extends KubeObject> {
  readonly type: ResourceType<O>;
  readonly owners: Informer<O>;
  readonly matcherOf: (owner: Seen<O>) => LabelMatcher;
}

/**
 * The pods of one kind of owner: who they are, and making and deleting them so that nothing is asked for
 * twice.
 * Invariant
 *   EXP-2  after a create or delete of an owner's pods `areMet` is false until the cache has shown it or it
 *          has failed
 */
export class OwnedPods<O extends KubeObject> {
  readonly #deps: ControllerDeps;
  readonly #of: PodOwners<O>;
  readonly #pods: Informer<Pod>;
  readonly #control: ReturnType<typeof podControl>;
  readonly #expectations: Expectations;
  /** Pod → the owner that waits to see it gone. */
  readonly #deleting = new Map<string, { readonly uid: string; readonly key: ObjectKey }>();
  #enqueue: Enqueue = () => undefined;

  constructor(deps: ControllerDeps, of: PodOwners<O>) {
    this.#deps = deps;
    this.#of = of;
    this.#pods = deps.informers.of(Pod);
    this.#control = podControl(deps, of.type);
    this.#expectations = new Expectations(deps.clock);
    indexOrphans(this.#pods);
  }

  /** Wakes owners by their pods, and by orphans they may want to adopt. */
  watch(enqueue: Enqueue): void {
    this.#enqueue = enqueue;
    const { owners, type, matcherOf } = this.#of;
    owners.addHandler({ onDelete: (owner) => this.#expectations.forget(uidOf(owner)) });
    // Deletions by the pod itself, not by its owner: it may have been orphaned between the request and its end.
    this.#pods.addHandler({
      onAdd: (pod) => this.#expectations.creationObserved(controllerOf(pod)?.uid ?? ''),
      onUpdate: (_old, pod) => isTerminating(pod) && this.#gone(pod),
      onDelete: (pod) => this.#gone(pod),
    });
    onOwned(this.#pods, owners, type, enqueue, (pod) => {
      for (const owner of owners.byNamespace(pod.metadata.namespace ?? '')) {
        if (matcherOf(owner).matches(pod.metadata.labels)) enqueue(objectKey(owner));
      }
    });
  }

  /**
   * Ask before `claim`: what is seen between the two must not count as both missing (in the list) and met (in
   * the expectations).
   */
  areMet(owner: Seen<O>): boolean {
    return this.#expectations.areMet(uidOf(owner));
  }

  /** Adopts, releases, and answers the owner's pods. */
  async claim(owner: Seen<O>): Promise<SeenPod[]> {
    const seen = owner as Seen<KubeObject>;
    const candidates = [
      ...this.#pods.ownedBy(seen.metadata.uid),
      ...orphansOf(this.#pods, seen.metadata.namespace),
    ];
    const matcher = this.#of.matcherOf(owner);
    const plan = planClaim(seen, candidates, (pod) => matcher.matches(pod.metadata.labels));
    return await carryOutClaim(this.#deps.client, seen, this.#of.type, Pod, plan);
  }

  /** Makes `count` pods, slowly at first. Answers the first failure. */
  async create(owner: Seen<O>, count: number, make: (index: number) => NewObject<Pod>): Promise<unknown> {
    if (count === 0) return undefined;
    const uid = uidOf(owner);
    this.#expectations.expectCreations(uid, count);
    const { succeeded, error } = await slowStart(count, async (index) => {
      const created = await this.#control.create(owner, make(index));
      if (created === undefined) this.#expectations.creationObserved(uid);
    });
    this.#expectations.creationObserved(uid, count - succeeded);
    return error;
  }

  /** Deletes all of them at once. Answers the first failure. */
  async remove(owner: Seen<O>, pods: readonly SeenPod[]): Promise<unknown> {
    if (pods.length === 0) return undefined;
    const uid = uidOf(owner);
    const key = objectKey(owner);
    for (const { metadata } of pods) this.#deleting.set(metadata.uid, { uid, key });
    this.#expectations.expectDeletions(
      uid,
      pods.map(({ metadata }) => metadata.uid),
    );
    const outcomes = await Promise.allSettled(
      pods.map(async (pod) => {
        let isDeleted = false;
        try {
          isDeleted = await this.#control.delete(owner, pod);
        } finally {
          if (!isDeleted) this.#gone(pod);
        }
      }),
    );
    return outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
  }

  #gone({ metadata: { uid } }: SeenPod): void {
    const owner = this.#deleting.get(uid);
    if (owner === undefined) return;
    this.#deleting.delete(uid);
    this.#expectations.deletionObserved(owner.uid, uid);
    this.#enqueue(owner.key);
  }
}

function uidOf(owner: { readonly metadata: unknown }): string {
  return (owner.metadata as { readonly uid: string }).uid;
}
