/**
 * The core that ReplicaSet and ReplicationController share: keep spec.replicas live pods that match the selector.
 * Reads: the sets, pods (cache).  Writes: pods, the sets' status.
 * Invariants
 *   RS-1  ours = controllerRef.uid is ours and the selector matches; matching orphans are adopted, others released
 *   RS-2  no create or delete while an earlier one of this key is unobserved (expectations)
 *   RS-3  at most BURST_PODS_MAX writes per pass
 */
import {
  controllerOf,
  type LabelMatcher,
  objectKey,
  Pod,
  type ResourceType,
  semanticEqual,
} from '@kubelab/api';
import {
  type ControllerDeps,
  type ControllerSpec,
  done,
  Expectations,
  type Informer,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '@kubelab/client';
import { errorMessage, rfc3339 } from '@kubelab/component-base';
import { carryOutClaim, planClaim } from '../shared/claim.ts';
import { podControl, podFromTemplate } from '../shared/pod-control.ts';
import type { SeenPod } from '../shared/pods.ts';
import { slowStart } from '../shared/slow-start.ts';
import { enqueueSelf, indexOrphans, onOwned, orphansOf } from '../shared/watching.ts';
import {
  planReplicas,
  type ReplicaFailure,
  type ReplicaOwner,
  type ReplicaPlan,
  replicaStatus,
  type SeenOwner,
} from './plan.ts';

export interface ReplicaKind {
  readonly name: string;
  readonly type: ResourceType<ReplicaOwner>;
  matcherOf(owner: SeenOwner): LabelMatcher;
}

const WORKERS = 5;

export function replicaController(deps: ControllerDeps, kind: ReplicaKind): ControllerSpec {
  const { client, informers, clock } = deps;
  const sets: Informer<ReplicaOwner> = informers.of(kind.type);
  const pods = informers.of(Pod);
  const control = podControl(deps, kind.type);
  const expectations = new Expectations(clock);
  indexOrphans(pods);

  return {
    name: kind.name,
    workers: WORKERS,
    watch(enqueue) {
      enqueueSelf(sets, enqueue);
      onOwned(pods, sets, kind.type, enqueue, {
        onCreated: (key) => expectations.creationObserved(key),
        onGoing: (key, pod) => expectations.deletionObserved(key, pod.metadata.uid),
        onOrphan: (pod) => {
          for (const set of sets.byNamespace(pod.metadata.namespace ?? '')) {
            if (kind.matcherOf(set).matches(pod.metadata.labels)) enqueue(objectKey(set));
          }
        },
      });
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey, { log }: ReconcileContext): Promise<Result> {
    const set = sets.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return done;
    }
    // RS-2: what an earlier pass began must be seen before the next one counts; asked before the pods are listed, or
    // what is seen in between would count as both missing and met.
    const mayWrite = expectations.areMet(key) && set.metadata.deletionTimestamp === undefined;
    const owned = await claimPods(set);
    let failure: ReplicaFailure | undefined;
    let thrown: unknown;
    if (mayWrite) {
      const plan = planReplicas(set, owned, relatedPods(set, owned), clock.now());
      if (plan.createCount > 0 || plan.toDelete.length > 0) {
        log.info('plan', { create: plan.createCount, delete: plan.toDelete.length });
      }
      const outcome = await carryOut(key, set, plan);
      failure = outcome?.failure;
      thrown = outcome?.error;
    }
    const nextCheckMs = await writeStatus(set, owned, failure);
    if (thrown !== undefined) throw thrown;
    return nextCheckMs === undefined ? done : { requeueAfterMs: nextCheckMs };
  }

  async function claimPods(set: SeenOwner): Promise<SeenPod[]> {
    const candidates = [...pods.ownedBy(set.metadata.uid), ...orphansOf(pods, set.metadata.namespace)];
    const matcher = kind.matcherOf(set);
    const claim = planClaim(set, candidates, (pod) => matcher.matches(pod.metadata.labels));
    return carryOutClaim(client, set, kind.type, Pod, claim);
  }

  /** Pods of the sets that share our controller: a Deployment spreads over nodes as a whole. */
  function relatedPods(set: SeenOwner, owned: readonly SeenPod[]): readonly SeenPod[] {
    const controller = controllerOf(set);
    if (controller === undefined) return owned;
    return sets.ownedBy(controller.uid).flatMap((sibling) => pods.ownedBy(sibling.metadata.uid));
  }

  async function carryOut(
    key: ObjectKey,
    set: SeenOwner,
    plan: ReplicaPlan,
  ): Promise<{ failure: ReplicaFailure; error: unknown } | undefined> {
    const { template } = set.spec;
    if (plan.createCount > 0 && template !== undefined) {
      expectations.expectCreations(key, plan.createCount);
      const { succeeded, error } = await slowStart(plan.createCount, async () => {
        const created = await control.create(set, podFromTemplate(set, kind.type, template));
        if (created === undefined) expectations.creationObserved(key);
      });
      for (let i = succeeded; i < plan.createCount; i++) expectations.creationObserved(key);
      if (error === undefined) return undefined;
      return { failure: { reason: 'FailedCreate', message: errorMessage(error) }, error };
    }
    expectations.expectDeletions(
      key,
      plan.toDelete.map((pod) => pod.metadata.uid),
    );
    const outcomes = await Promise.allSettled(
      plan.toDelete.map(async (pod) => {
        let deleted = false;
        try {
          deleted = await control.delete(set, pod);
        } finally {
          if (!deleted) expectations.deletionObserved(key, pod.metadata.uid);
        }
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return undefined;
    return {
      failure: { reason: 'FailedDelete', message: errorMessage(failed.reason) },
      error: failed.reason,
    };
  }

  async function writeStatus(
    set: SeenOwner,
    owned: readonly SeenPod[],
    failure: ReplicaFailure | undefined,
  ): Promise<number | undefined> {
    const ms = clock.now();
    const { status, nextCheckMs } = replicaStatus(set, owned, failure, { ms, text: rfc3339(ms) });
    if (!semanticEqual(set.status, status)) {
      await client.updateStatus(kind.type, { ...set, status });
    }
    return nextCheckMs;
  }
}
