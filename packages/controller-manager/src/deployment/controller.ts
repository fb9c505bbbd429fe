/**
 * Deployment controller — rolls a pod template out through ReplicaSets, one per template.
 * Reads: deployments, replicasets, pods (cache).
 * Writes: replicasets, deployments (revision annotation, status).
 * Invariants
 *   DEP-1  one ReplicaSet per template: its name is the template's hash, so that creating it twice is
 *          creating it once
 *   K2     the sets' sizes never add up to more than replicas + maxSurge, and no available pod is given up
 *          below
 *          replicas - maxUnavailable
 */
import {
  controllerOf,
  Deployment,
  isStatus,
  labelSelectorMatcher,
  objectKey,
  Pod,
  ReplicaSet,
  semanticEqual,
} from '@kubelab/api';
import type { ControllerDeps, ControllerSpec, ObjectKey, ReconcileContext, Result } from '@kubelab/client';
import { done } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';
import { carryOutClaim, planClaim } from '../shared/claim.ts';
import { copyOf, refOf } from '../shared/objects.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { enqueueSelf, indexOrphans, onOwned, orphansOf } from '../shared/watching.ts';
import { deleteSeen } from '../shared/writes.ts';
import { REVISION, type SeenSet, type SetDraft } from './draft.ts';
import { isRolling, type SeenDeployment } from './limits.ts';
import { type DeploymentPlan, planDeployment } from './plan.ts';
import { hasTemplate } from './revision.ts';
import { condition, reasons, withCondition } from './status.ts';

const WORKERS = 5;

export function deploymentController({ client, informers, events, clock }: ControllerDeps): ControllerSpec {
  const deployments = informers.of(Deployment);
  const sets = informers.of(ReplicaSet);
  const pods = informers.of(Pod);
  indexOrphans(sets);

  return {
    name: 'deployment',
    workers: WORKERS,
    watch(enqueue) {
      enqueueSelf(deployments, enqueue);
      onOwned(sets, deployments, Deployment, enqueue, (set) => {
        for (const deployment of deployments.byNamespace(set.metadata.namespace ?? '')) {
          if (matcherOf(deployment).matches(set.metadata.labels)) enqueue(objectKey(deployment));
        }
      });
      // Recreate waits for the last old pod; nobody else cares about single pods.
      pods.addHandler({
        onDelete: (pod) => {
          const set = sets.get(objectKey({ metadata: { ...pod.metadata, name: controllerOf(pod)?.name } }));
          const owner = set === undefined ? undefined : controllerOf(set);
          const deployment = deployments.get(objectKey({ metadata: { ...pod.metadata, name: owner?.name } }));
          if (deployment !== undefined && !isRolling(deployment)) enqueue(objectKey(deployment));
        },
      });
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey, { log }: ReconcileContext): Promise<Result> {
    const deployment = deployments.get(key);
    if (deployment === undefined) return done;
    if (matcherOf(deployment).isEmpty) {
      const why = 'This deployment is selecting all pods. A non-empty selector is required.';
      tell(deployment, 'Warning', 'SelectingAll', why);
      return done;
    }
    const view = { deployment, sets: await claimSets(deployment), podsOf };
    const plan = planDeployment(view, clock.now());
    if (plan.create !== undefined || plan.updates.length > 0) {
      log.info('plan', { create: plan.create?.metadata.name, update: plan.updates.map(sizeChange) });
    }
    await carryOut(deployment, plan);
    await writeDeployment(deployment, plan);
    return plan.requeueAfterMs === undefined ? done : { requeueAfterMs: plan.requeueAfterMs };
  }

  function podsOf(set: SeenSet) {
    return pods.ownedBy(set.metadata.uid);
  }

  async function claimSets(deployment: SeenDeployment): Promise<SeenSet[]> {
    const matcher = matcherOf(deployment);
    const candidates = [
      ...sets.ownedBy(deployment.metadata.uid),
      ...orphansOf(sets, deployment.metadata.namespace),
    ];
    const claim = planClaim(deployment, candidates, (set) => matcher.matches(set.metadata.labels));
    return carryOutClaim(client, deployment, Deployment, ReplicaSet, claim);
  }

  async function carryOut(deployment: SeenDeployment, plan: DeploymentPlan): Promise<void> {
    if (plan.create !== undefined) await createSet(deployment, plan.create, plan);
    await allOrThrow(plan.updates.map((draft) => updateSet(deployment, draft)));
    await allOrThrow(plan.forget.map((set) => deleteSeen(client, ReplicaSet, set)));
  }

  async function createSet(
    deployment: SeenDeployment,
    set: NonNullable<DeploymentPlan['create']>,
    plan: DeploymentPlan,
  ): Promise<void> {
    const { name } = set.metadata;
    try {
      await client.create(ReplicaSet, set);
      const size = set.spec.replicas ?? 0;
      if (size > 0)
        tell(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`);
    } catch (error) {
      if (isStatus(error, 'AlreadyExists')) return await resolveCollision(deployment, name);
      if (isNamespaceTerminating(error)) return;
      const message = `Failed to create new replica set "${name}": ${errorMessage(error)}`;
      tell(deployment, 'Warning', reasons.createFailed, message);
      const failed = condition('Progressing', 'False', reasons.createFailed, message);
      const conditions = [...withCondition(plan.status.conditions ?? [], failed, clock.now())];
      await client.updateStatus(Deployment, { ...deployment, status: { ...plan.status, conditions } });
      throw error;
    }
  }

  /**
   * The name is taken: by the very set (our cache is behind), or by another template with the same hash
   * (DEP-1).
   */
  async function resolveCollision(deployment: SeenDeployment, name: string): Promise<void> {
    const live = await client.get(ReplicaSet, { name, namespace: deployment.metadata.namespace });
    const isOurs = controllerOf(live)?.uid === deployment.metadata.uid;
    if (isOurs && hasTemplate(live, deployment.spec.template)) return;
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
    await client.updateStatus(Deployment, {
      ...deployment,
      status: { ...deployment.status, collisionCount },
    });
    throw new Error(`replica set name ${name} is taken: trying with collisionCount ${collisionCount}`);
  }

  async function updateSet(deployment: SeenDeployment, draft: SetDraft): Promise<void> {
    const { set, replicas, minReadySeconds } = draft;
    const changed = copyOf<ReplicaSet>(set);
    changed.metadata.annotations = draft.annotations;
    changed.spec.replicas = replicas;
    if (minReadySeconds !== 0 || set.spec.minReadySeconds !== undefined)
      changed.spec.minReadySeconds = minReadySeconds;
    await client.update(ReplicaSet, changed);
    const before = set.spec.replicas ?? 1;
    if (before === replicas) return;
    const way = replicas > before ? 'up' : 'down';
    tell(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${way} replica set ${sizeChange(draft)}`);
  }

  async function writeDeployment(deployment: SeenDeployment, plan: DeploymentPlan): Promise<void> {
    let latest: SeenDeployment = deployment;
    if (plan.revision !== undefined && deployment.metadata.annotations?.[REVISION] !== plan.revision) {
      const { uid, resourceVersion } = deployment.metadata;
      const metadata = { uid, resourceVersion, annotations: { [REVISION]: plan.revision } };
      latest = await client.patch(Deployment, refOf(deployment), { metadata }, { type: 'merge' });
    }
    const status = { ...plan.status, observedGeneration: latest.metadata.generation ?? 0 };
    if (!semanticEqual(latest.status, status)) await client.updateStatus(Deployment, { ...latest, status });
  }

  function tell(
    deployment: SeenDeployment,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { apiVersion, kind } = Deployment;
    events.event({ apiVersion, kind, metadata: deployment.metadata }, type, reason, message);
  }
}

function matcherOf(deployment: SeenDeployment) {
  return labelSelectorMatcher(deployment.spec.selector);
}

function sizeChange({ set, replicas }: SetDraft): string {
  return `${set.metadata.name} from ${set.spec.replicas ?? 1} to ${replicas}`;
}
