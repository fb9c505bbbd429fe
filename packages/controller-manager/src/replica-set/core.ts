/**
 * The core that ReplicaSet and ReplicationController share: keep spec.replicas live pods that match the
 * selector.
 * Reads: the sets, pods (cache).  Writes: pods, the sets' status.
 * Invariants
 *   RS-1  ours = controllerRef.uid is ours and the selector matches; matching orphans are adopted, others
 *         released
 *   RS-2  no create or delete while an earlier one of this key is unobserved (expectations)
 *   RS-3  at most BURST_PODS_MAX writes per pass
 */
import { controllerOf, type LabelMatcher, Pod, type ResourceType, semanticEqual } from '@kubelab/api';
import {
  type ControllerDeps,
  type ControllerSpec,
  done,
  type Informer,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '@kubelab/client';
import { errorMessage, rfc3339 } from '@kubelab/component-base';
import { OwnedPods } from '../shared/owned-pods.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import type { SeenPod } from '../shared/pods.ts';
import { enqueueSelf } from '../shared/watching.ts';
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
  readonly matcherOf: (owner: SeenOwner) => LabelMatcher;
}

const WORKERS = 5;

export function replicaController(deps: ControllerDeps, kind: ReplicaKind): ControllerSpec {
  const { client, informers, clock } = deps;
  const sets: Informer<ReplicaOwner> = informers.of(kind.type);
  const pods = informers.of(Pod);
  const ownedPods = new OwnedPods<ReplicaOwner>(deps, { ...kind, owners: sets });

  return {
    name: kind.name,
    workers: WORKERS,
    watch(enqueue) {
      enqueueSelf(sets, enqueue);
      ownedPods.watch(enqueue);
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey, { log }: ReconcileContext): Promise<Result> {
    const set = sets.get(key);
    if (set === undefined) return done;
    const mayWrite = ownedPods.areMet(set) && set.metadata.deletionTimestamp === undefined; // RS-2
    const owned = await ownedPods.claim(set);
    let failed: { failure: ReplicaFailure; error: unknown } | undefined;
    if (mayWrite) {
      const plan = planReplicas(set, owned, relatedPods(set, owned), clock.now());
      if (plan.createCount > 0 || plan.toDelete.length > 0) {
        log.info('plan', { create: plan.createCount, delete: plan.toDelete.length });
      }
      failed = await carryOut(set, plan);
    }
    const nextCheckMs = await writeStatus(set, owned, failed?.failure);
    if (failed !== undefined) throw failed.error;
    return nextCheckMs === undefined ? done : { requeueAfterMs: nextCheckMs };
  }

  /** Pods of the sets that share our controller: a Deployment spreads over nodes as a whole. */
  function relatedPods(set: SeenOwner, owned: readonly SeenPod[]): readonly SeenPod[] {
    const controller = controllerOf(set);
    if (controller === undefined) return owned;
    return sets.ownedBy(controller.uid).flatMap((sibling) => pods.ownedBy(sibling.metadata.uid));
  }

  async function carryOut(
    set: SeenOwner,
    plan: ReplicaPlan,
  ): Promise<{ failure: ReplicaFailure; error: unknown } | undefined> {
    const { template } = set.spec;
    if (template !== undefined) {
      const make = () => podFromTemplate(set, kind.type, template);
      const error = await ownedPods.create(set, plan.createCount, make);
      if (error !== undefined)
        return { failure: { reason: 'FailedCreate', message: errorMessage(error) }, error };
    }
    const error = await ownedPods.remove(set, plan.toDelete);
    if (error === undefined) return undefined;
    return { failure: { reason: 'FailedDelete', message: errorMessage(error) }, error };
  }

  async function writeStatus(
    set: SeenOwner,
    owned: readonly SeenPod[],
    failure: ReplicaFailure | undefined,
  ): Promise<number | undefined> {
    const ms = clock.now();
    const { status, nextCheckMs } = replicaStatus(set, owned, failure, { ms, text: rfc3339(ms) });
    if (!semanticEqual(set.status, status)) await client.updateStatus(kind.type, { ...set, status });
    return nextCheckMs;
  }
}
