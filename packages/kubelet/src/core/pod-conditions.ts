import type { DeepReadonly } from '@kubelab/client';
import type { ContainerStatus, PodCondition, PodObject } from './types.ts';

export interface ConditionsInput {
  readonly pod: PodObject;
  readonly phase: string;
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
  readonly isInitialized: boolean;
  readonly hasSandbox: boolean;
  readonly previous: readonly DeepReadonly<PodCondition>[];
  /** RFC 3339. */
  readonly now: string;
}

/** The kubelet's own conditions, then the ones that others set (readiness gates), untouched. */
export function podConditions(input: ConditionsInput): PodCondition[] {
  const containersReady = containersReadyCondition(input);
  const ours = [
    { type: 'PodReadyToStartContainers', status: input.hasSandbox ? 'True' : 'False' },
    initializedCondition(input),
    readyCondition(input, containersReady),
    { ...containersReady, type: 'ContainersReady' },
    { type: 'PodScheduled', status: 'True' },
  ];
  const types = new Set(ours.map(({ type }) => type));
  const others = input.previous.filter(({ type }) => !types.has(type)).map((condition) => ({ ...condition }));
  const { generation } = input.pod.metadata;
  return [
    ...ours.map((condition) => ({
      ...condition,
      lastTransitionTime: transitionTime(input, condition), // STATUS-2
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    })),
    ...others,
  ];
}

interface Verdict {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

function transitionTime({ previous, now }: ConditionsInput, { type, status }: Verdict): string {
  const before = previous.find((condition) => condition.type === type);
  return before?.status === status && before.lastTransitionTime !== undefined
    ? before.lastTransitionTime
    : now;
}

function initializedCondition(input: ConditionsInput): Verdict {
  const type = 'Initialized';
  if (input.phase === 'Succeeded') return { type, status: 'True', reason: 'PodCompleted' };
  if (input.isInitialized) return { type, status: 'True' };
  const sidecars = new Set(
    (input.pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name),
  );
  const incomplete = input.initContainerStatuses
    .filter((status) => !(sidecars.has(status.name) ? status.started === true : status.ready))
    .map((status) => status.name);
  return {
    type,
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  };
}

function containersReadyCondition(input: ConditionsInput): Verdict {
  const type = 'ContainersReady';
  if (input.phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
  if (input.phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const sidecars = new Set(
    (input.pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name),
  );
  const unready = [
    ...input.initContainerStatuses.filter((status) => sidecars.has(status.name)),
    ...input.containerStatuses,
  ]
    .filter((status) => !status.ready)
    .map((status) => status.name);
  if (unready.length === 0) return { type, status: 'True' };
  return {
    type,
    status: 'False',
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  };
}

/** Ready is ContainersReady and every readiness gate. */
function readyCondition(input: ConditionsInput, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const closed = (input.pod.spec.readinessGates ?? [])
    .map(({ conditionType }) => ({
      conditionType,
      found: input.previous.find((condition) => condition.type === conditionType),
    }))
    .filter(({ found }) => found?.status !== 'True');
  if (closed.length === 0) return { type: 'Ready', status: 'True' };
  const text = closed.map(({ conditionType, found }) =>
    found === undefined
      ? `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
      : `the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`,
  );
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: text.join(', ') };
}
