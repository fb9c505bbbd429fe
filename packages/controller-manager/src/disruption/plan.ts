import {
  type Condition,
  isPodReady,
  isPodTerminal,
  type PodDisruptionBudget,
  scaledValue,
  setCondition,
} from '@kubelab/api';
import { type Seen, timeMs } from '../shared/objects.ts';
import type { SeenPod } from '../shared/pods.ts';

export type SeenBudget = Seen<PodDisruptionBudget>;
type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

/** How long an evicted pod may take to show its deletion before the eviction is taken to have failed. */
const DELETION_TIMEOUT_MS = 120_000;

export interface BudgetView {
  readonly budget: SeenBudget;
  readonly pods: readonly SeenPod[];
  /** How many pods the controllers of these pods want in all. */
  readonly expectedCount: number;
  readonly nowMs: number;
  readonly nowText: string;
}

/** How many pods may be evicted now (PDB-1: never below desiredHealthy by an eviction). */
export function budgetStatus({ budget, pods, expectedCount, nowMs, nowText }: BudgetView): BudgetStatus {
  const disruptedPods = stillDisrupted(budget, pods, nowMs);
  const alive = pods.filter((pod) => !isPodTerminal(pod) && pod.metadata.deletionTimestamp === undefined);
  const currentHealthy = alive.filter(
    (pod) => isPodReady(pod) && disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const { minAvailable, maxUnavailable } = budget.spec;
  const expectedPods = typeof minAvailable === 'number' ? alive.length : expectedCount;
  const desiredHealthy =
    maxUnavailable === undefined
      ? (scaledValue(minAvailable ?? 1, expectedPods, 'up') ?? 1)
      : Math.max(0, expectedPods - (scaledValue(maxUnavailable, expectedPods, 'up') ?? 0));
  const room = Math.max(0, currentHealthy - desiredHealthy);
  const disruptionsAllowed = expectedPods <= 0 ? 0 : room;
  const generation = budget.metadata.generation ?? 0;
  const condition = {
    type: 'DisruptionAllowed',
    status: disruptionsAllowed > 0 ? 'True' : 'False',
    reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration: generation,
    lastTransitionTime: nowText,
  };
  return {
    observedGeneration: generation,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed,
    ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
    conditions: setCondition<Condition>(
      budget.status?.conditions?.map((old) => ({ ...old })),
      condition,
      nowText,
    ),
  };
}

/** Evictions that the API server has granted and the pods do not show yet. */
function stillDisrupted(budget: SeenBudget, pods: readonly SeenPod[], nowMs: number): Record<string, string> {
  const waiting = new Set(
    pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name),
  );
  return Object.fromEntries(
    Object.entries(budget.status?.disruptedPods ?? {}).filter(
      ([name, since]) => waiting.has(name) && timeMs(since) + DELETION_TIMEOUT_MS > nowMs,
    ),
  );
}
