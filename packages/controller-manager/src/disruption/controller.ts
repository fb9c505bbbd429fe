/**
 * Disruption controller — says in a PodDisruptionBudget's status how many of its pods may be evicted now.
 * Reads: poddisruptionbudgets, pods and the controllers of pods (cache).
 * Writes: poddisruptionbudgets/status.
 * Invariants
 *   PDB-1  disruptionsAllowed is never more than currentHealthy - desiredHealthy; when unsure, it is 0
 */
import {
  controllerOf,
  Deployment,
  labelSelectorMatcher,
  objectKey,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  semanticEqual,
  StatefulSet,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { assert, rfc3339 } from '@kubelab/component-base';
import type { SeenPod } from '../shared/pods.ts';
import { enqueueSelf, onAny } from '../shared/watching.ts';
import { budgetStatus, type SeenBudget } from './plan.ts';

export function disruptionController({ client, informers, clock }: ControllerDeps): ControllerSpec {
  const budgets = informers.of(PodDisruptionBudget);
  const pods = informers.of(Pod);
  const sets = informers.of(ReplicaSet);
  const deployments = informers.of(Deployment);
  const statefulSets = informers.of(StatefulSet);
  const replicationControllers = informers.of(ReplicationController);

  return {
    name: 'disruption',
    workers: 2,
    watch(enqueue) {
      enqueueSelf(budgets, enqueue);
      onAny(pods, (pod) => {
        for (const budget of budgets.byNamespace(pod.metadata.namespace ?? '')) {
          if (matches(budget, pod)) enqueue(objectKey(budget));
        }
      });
    },
    async reconcile(key) {
      const budget = budgets.get(key);
      if (budget === undefined) return done;
      const own = pods.byNamespace(budget.metadata.namespace ?? '').filter((pod) => matches(budget, pod));
      const nowMs = clock.now();
      const expectedCount = expected(own);
      const status = budgetStatus({ budget, pods: own, expectedCount, nowMs, nowText: rfc3339(nowMs) });
      const room = Math.max(0, (status.currentHealthy ?? 0) - (status.desiredHealthy ?? 0));
      assert((status.disruptionsAllowed ?? 0) <= room, 'PDB-1');
      if (!semanticEqual(budget.status, status))
        await client.updateStatus(PodDisruptionBudget, { ...budget, status });
      return status.disruptedPods === undefined ? done : { requeueAfterMs: 30_000 };
    },
  };

  /** What the pods' controllers want in all, each counted once; a pod without one wants itself. */
  function expected(own: readonly SeenPod[]): number {
    const wanted = new Map<string, number>();
    for (const pod of own) {
      const { uid, replicas } = scaleOf(pod);
      wanted.set(uid, replicas);
    }
    return [...wanted.values()].reduce((total, replicas) => total + replicas, 0);
  }

  function scaleOf(pod: SeenPod): { uid: string; replicas: number } {
    const ref = controllerOf(pod);
    const key = `${pod.metadata.namespace}/${ref?.name}`;
    if (ref?.kind === 'ReplicaSet') {
      const set = sets.get(key);
      const owner = set === undefined ? undefined : controllerOf(set);
      const deployment =
        owner?.kind === 'Deployment' ? deployments.get(`${pod.metadata.namespace}/${owner.name}`) : undefined;
      if (deployment !== undefined)
        return { uid: deployment.metadata.uid, replicas: deployment.spec.replicas ?? 1 };
      return { uid: ref.uid, replicas: set?.spec.replicas ?? 1 };
    }
    if (ref?.kind === 'StatefulSet')
      return { uid: ref.uid, replicas: statefulSets.get(key)?.spec.replicas ?? 1 };
    if (ref?.kind === 'ReplicationController') {
      return { uid: ref.uid, replicas: replicationControllers.get(key)?.spec.replicas ?? 1 };
    }
    return { uid: pod.metadata.uid, replicas: 1 };
  }
}

/** A budget without a selector selects nothing, one with an empty selector everything in its namespace. */
function matches(budget: SeenBudget, pod: SeenPod): boolean {
  return (
    budget.spec.selector !== undefined &&
    labelSelectorMatcher(budget.spec.selector).matches(pod.metadata.labels)
  );
}
