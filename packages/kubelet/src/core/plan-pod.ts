/**
 * What a pod needs next, from what is wanted and what runs. Pure; upstream: `computePodActions` of kuberuntime.
 * Invariants
 *   POD-1  a regular container starts only once every init container has passed, in order
 *   POD-2  a container that runs as wanted is never touched
 *   POD-3  nothing starts in a pod that is being deleted or has ended
 */
import { assert } from '@kubelab/component-base';
import type { ContainerRecord, PodSandbox } from '../runtime/types.ts';
import {
  type ContainerSpec,
  isSidecar,
  newestByName,
  type PodContainer,
  type PodObject,
  type PodRuntime,
  type PodStatus,
  podContainers,
} from './types.ts';
import { containerHash } from './names.ts';
import type { DeepReadonly } from '@kubelab/client';

export interface ProbeResults {
  /** `passed` also when there is no such probe. */
  startup(containerId: string): 'pending' | 'passed' | 'failed';
  liveness(containerId: string): 'passed' | 'failed';
  isReady(containerId: string): boolean;
}

export interface PlanInput {
  readonly pod: PodObject;
  readonly runtime: PodRuntime;
  readonly probes: ProbeResults;
  /** The last status known, for what the runtime has forgotten. */
  readonly previous: DeepReadonly<PodStatus> | undefined;
}

export type KillReason = 'changed' | 'liveness' | 'startup';

export interface KillAction {
  readonly record: ContainerRecord;
  readonly spec: ContainerSpec;
  readonly reason: KillReason;
}

export interface StartAction {
  readonly container: PodContainer;
  readonly attempt: number;
  /** The run that ended, if there was one: the back-off counts from it. */
  readonly lastRun: ContainerRecord | undefined;
}

export interface PodPlan {
  /** Everything has ended and nothing is to start again: take the rest down. */
  readonly isFinished: boolean;
  /** There is no sandbox that works: remove what is left, make one with this attempt. */
  readonly newSandbox: { readonly attempt: number } | undefined;
  readonly kill: readonly KillAction[];
  /** In order. */
  readonly start: readonly StartAction[];
}

const nothing: PodPlan = { isFinished: false, newSandbox: undefined, kill: [], start: [] };

export function planPod(input: PlanInput): PodPlan {
  if (input.pod.metadata.deletionTimestamp !== undefined) return nothing; // POD-3
  const sandbox = input.runtime.sandboxes[0];
  return sandbox?.isReady === true ? planInSandbox(input, sandbox) : planNewSandbox(input, sandbox);
}

function planNewSandbox(input: PlanInput, dead: PodSandbox | undefined): PodPlan {
  const { pod, runtime } = input;
  const newest = newestByName(runtime.containers);
  const toRun = pod.spec.containers.filter((spec) => {
    const ended = newest.get(spec.name) ?? endedBefore(input, spec.name);
    return ended === undefined || shouldRestart(pod, ended);
  });
  if (toRun.length === 0) return { ...nothing, isFinished: true };
  const first = podContainers(pod).find(({ kind }) => kind !== 'regular');
  const start = (first === undefined ? toRun.map(regular) : [first]).map((container) =>
    startOf(input, container, newest),
  );
  return { ...nothing, newSandbox: { attempt: dead === undefined ? 0 : dead.attempt + 1 }, start };
}

function planInSandbox(input: PlanInput, sandbox: PodSandbox): PodPlan {
  const { pod, runtime, probes } = input;
  const records = newestByName(runtime.containers.filter((record) => record.sandboxId === sandbox.id));
  const init = planInit(input, records);
  if (init.hasFailed) return { ...nothing, isFinished: true };
  const kill = [...init.kill];
  const start = [...init.start];
  let runningCount = 0;
  for (const spec of pod.spec.containers) {
    const record = records.get(spec.name);
    if (record?.state === 'running') {
      const reason = killReason(spec, record, probes);
      if (reason !== undefined) kill.push({ record, spec, reason });
      runningCount++;
    } else if (init.isDone && (record === undefined || shouldRestart(pod, record))) {
      start.push(startOf(input, regular(spec), records));
    }
  }
  if (init.isDone && runningCount === 0 && !start.some(({ container }) => container.kind === 'regular')) {
    return { ...nothing, isFinished: true };
  }
  const isEarly = start.some(({ container }) => container.kind === 'regular') && !init.isDone;
  assert(!isEarly, 'POD-1');
  const touched = new Set(kill.map(({ record }) => record.name));
  assert(
    start.every(({ container }) => records.get(container.spec.name)?.state !== 'running'),
    'POD-2',
    [...touched].join(),
  );
  return { isFinished: false, newSandbox: undefined, kill, start };
}

interface InitPlan {
  /** Regular containers may start. */
  readonly isDone: boolean;
  readonly hasFailed: boolean;
  readonly kill: readonly KillAction[];
  readonly start: readonly StartAction[];
}

function planInit(input: PlanInput, records: ReadonlyMap<string, ContainerRecord>): InitPlan {
  const { pod, probes } = input;
  const kill: KillAction[] = [];
  const start: StartAction[] = [];
  // Once a regular container was made, init containers have had their turn: only sidecars are kept up.
  const hasPassed = pod.spec.containers.some((spec) => records.has(spec.name));
  for (const spec of pod.spec.initContainers ?? []) {
    const record = records.get(spec.name);
    if (isSidecar(spec)) {
      const container: PodContainer = { spec, kind: 'sidecar' };
      if (record?.state !== 'running') {
        start.push(startOf(input, container, records));
        if (!hasPassed) return { isDone: false, hasFailed: false, kill, start };
        continue;
      }
      const reason = killReason(spec, record, probes);
      if (reason !== undefined) kill.push({ record, spec, reason });
      if (!hasPassed && probes.startup(record.id) !== 'passed') {
        return { isDone: false, hasFailed: false, kill, start };
      }
    } else if (!hasPassed) {
      const hasSucceeded = record?.state === 'exited' && record.exitCode === 0;
      if (hasSucceeded) continue;
      if (record?.state === 'exited' && pod.spec.restartPolicy === 'Never') {
        return { isDone: false, hasFailed: true, kill, start };
      }
      if (record?.state !== 'running') start.push(startOf(input, { spec, kind: 'init' }, records));
      return { isDone: false, hasFailed: false, kill, start };
    }
  }
  return { isDone: true, hasFailed: false, kill, start };
}

function killReason(
  spec: ContainerSpec,
  record: ContainerRecord,
  probes: ProbeResults,
): KillReason | undefined {
  if (record.hash !== containerHash(spec)) return 'changed';
  if (probes.liveness(record.id) === 'failed') return 'liveness';
  return probes.startup(record.id) === 'failed' ? 'startup' : undefined;
}

/** How a run ended, for the restart policy. */
type Ended = Pick<ContainerRecord, 'state' | 'exitCode' | 'hash'>;

export function shouldRestart(pod: PodObject, ended: Ended): boolean {
  if (pod.metadata.deletionTimestamp !== undefined || ended.state === 'running') return false;
  if (ended.state === 'created') return true;
  switch (pod.spec.restartPolicy) {
    case 'Never':
      return false;
    case 'OnFailure':
      return ended.exitCode !== 0;
    default:
      return true;
  }
}

/** What the last status says of a container that the runtime has no trace of. */
function endedBefore({ previous }: PlanInput, name: string): Ended | undefined {
  const status = previous?.containerStatuses?.find((entry) => entry.name === name);
  const terminated = status?.state?.terminated;
  return terminated === undefined ? undefined : { state: 'exited', exitCode: terminated.exitCode, hash: '' };
}

function regular(spec: ContainerSpec): PodContainer {
  return { spec, kind: 'regular' };
}

function startOf(
  input: PlanInput,
  container: PodContainer,
  records: ReadonlyMap<string, ContainerRecord>,
): StartAction {
  const { name } = container.spec;
  const lastRun = records.get(name);
  const statuses = [
    ...(input.previous?.containerStatuses ?? []),
    ...(input.previous?.initContainerStatuses ?? []),
  ];
  const told = statuses.find((status) => status.name === name);
  // A status with a container id counts a run that the runtime may have forgotten.
  const toldAttempt = told?.containerID === undefined ? -1 : told.restartCount;
  const oldAttempt = input.runtime.containers
    .filter((record) => record.name === name)
    .reduce((max, record) => Math.max(max, record.attempt), -1);
  return { container, lastRun, attempt: Math.max(oldAttempt, toldAttempt) + 1 };
}
