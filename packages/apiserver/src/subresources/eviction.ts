import {
  errors,
  type Eviction,
  isPodReady,
  isPodTerminal,
  isStatus,
  type KubeObject,
  labelSelectorMatcher,
  Pod,
  PodDisruptionBudget,
  successStatus,
} from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import type { Outcome } from '../core/messages.ts';
import { bodyAs, isDryRun } from '../registry/body.ts';
import { type Call, keyOfCall } from '../registry/call.ts';
import { attributesOf } from '../registry/create.ts';
import { deleteByKey, type DeleteOptions } from '../registry/delete.ts';
import { type Lookup, served } from '../registry/lookup.ts';
import type { Registry } from '../registry/registry.ts';

const DISRUPTED_PODS_MAX = 2000;
const RETRY_SECONDS = 10;

/** POST pods/x/eviction: a deletion that asks the pod's disruption budget first. */
export async function evictPod(call: Call, registry: Registry, lookup: Lookup): Promise<Outcome> {
  const eviction = await bodyAs<Eviction & KubeObject>(call, 'Eviction');
  const { namespace, name } = call.info;
  eviction.metadata = { ...eviction.metadata };
  if (eviction.metadata.name && eviction.metadata.name !== name) {
    throw errors.badRequest('name in URL does not match name in Eviction object');
  }
  const options: DeleteOptions = { ...(eviction.deleteOptions as DeleteOptions | undefined) };
  const isDry = isDryRun([...(options.dryRun ?? []), ...call.query.getAll('dryRun')]);
  await registry.admission.admit({
    ...attributesOf(call, 'CREATE', eviction, undefined),
    name,
    subresource: 'eviction',
  });
  const pod = await lookup.fresh(Pod, `${namespace}/${name}`);
  if (pod === undefined) throw errors.notFound(Pod, name);
  if (!mayGoUnasked(pod)) {
    const budget = budgetOf(pod, lookup);
    if (budget !== undefined) {
      const mayGoUnready = !isPodReady(pod) && unreadyMayGo(budget);
      if (!mayGoUnready) await spend(budget, pod, registry, isDry);
      // Between the question and the deletion the pod may have become ready: then it would have needed the
      // budget.
      else
        options.preconditions = { ...options.preconditions, resourceVersion: pod.metadata.resourceVersion };
    }
  }
  options.preconditions = { uid: pod.metadata.uid, ...options.preconditions };
  await deletePod(call, registry, options, isDry);
  return { kind: 'object', code: 201, object: successStatus(undefined, 201) };
}

async function deletePod(
  call: Call,
  registry: Registry,
  options: DeleteOptions,
  isDry: boolean,
): Promise<void> {
  const asDelete: Call = {
    ...call,
    subresource: undefined,
    info: { ...call.info, subresource: '', verb: 'delete' },
  };
  try {
    await deleteByKey(asDelete, registry, keyOfCall(call), isDry ? { ...options, dryRun: ['All'] } : options);
  } catch (error) {
    if (isStatus(error, 'Conflict'))
      throw errors.tooManyRequests('Cannot evict pod as it changed meanwhile.', RETRY_SECONDS);
    throw error;
  }
}

/** It does not count for any budget: done, not started, or going already. */
function mayGoUnasked(pod: Pod): boolean {
  return (
    isPodTerminal(pod) || pod.status?.phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
  );
}

function budgetOf(pod: Pod, lookup: Lookup): PodDisruptionBudget | undefined {
  const budgets = lookup
    .list(PodDisruptionBudget, pod.metadata.namespace)
    .filter(
      ({ spec }) => spec?.selector && labelSelectorMatcher(spec.selector).matches(pod.metadata.labels ?? {}),
    );
  if (budgets.length > 1) {
    throw errors.internalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  return budgets[0];
}

function unreadyMayGo({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return (status?.currentHealthy ?? 0) >= (status?.desiredHealthy ?? 0) && (status?.desiredHealthy ?? 0) > 0;
}

/** Takes one disruption from the budget, before the pod is touched. Throws 429 when there is none left. */
async function spend(
  budget: PodDisruptionBudget,
  pod: Pod,
  { objects }: Registry,
  isDry: boolean,
): Promise<void> {
  const { name, namespace } = budget.metadata;
  await objects.update(served(PodDisruptionBudget), `${namespace}/${name}`, (current) => {
    if (current === undefined) return { type: 'none' };
    const changed = current.copy() as PodDisruptionBudget;
    const { status } = changed;
    const cause = { reason: 'DisruptionBudget' };
    if (status === undefined || (status.observedGeneration ?? 0) < (changed.metadata.generation ?? 0)) {
      const message = `The disruption budget ${name} is still being processed by the server.`;
      throw errors.tooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        RETRY_SECONDS,
        [{ ...cause, message }],
      );
    }
    const disrupted = status.disruptedPods ?? {};
    const left = status.disruptionsAllowed ?? 0;
    if (left <= 0) {
      const { desiredHealthy, currentHealthy } = status;
      const message = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
      throw errors.tooManyRequests(
        "Cannot evict pod as it would violate the pod's disruption budget.",
        undefined,
        [{ ...cause, message }],
      );
    }
    if (Object.keys(disrupted).length > DISRUPTED_PODS_MAX) {
      throw errors.forbidden(
        PodDisruptionBudget,
        name,
        `DisruptedPods map too big - too many evictions not confirmed by PDB controller`,
      );
    }
    if (isDry) return { type: 'none' };
    status.disruptionsAllowed = left - 1;
    status.disruptedPods = { ...disrupted, [pod.metadata.name]: rfc3339(objects.clock.now()) };
    return { type: 'put', object: changed };
  });
}
