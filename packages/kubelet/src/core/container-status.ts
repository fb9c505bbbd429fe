import { rfc3339 } from '@kubelab/component-base';
import type { DeepReadonly } from '@kubelab/client';
import type { ContainerRecord } from '../runtime/types.ts';
import type { ProbeResults } from './plan-pod.ts';
import { type ContainerState, type ContainerStatus, type PodContainer, type PodObject } from './types.ts';

/** Why a container is not there: from the last try to start it. */
export interface WaitingReason {
  readonly reason: string;
  readonly message?: string;
}

export interface ContainerStatusInput {
  readonly pod: PodObject;
  readonly container: PodContainer;
  /** All runs of this container that the runtime still has, newest first. */
  readonly runs: readonly ContainerRecord[];
  readonly probes: ProbeResults;
  readonly waiting: WaitingReason | undefined;
  readonly previous: DeepReadonly<ContainerStatus> | undefined;
  /** Text that a run left at its terminationMessagePath, by container id. */
  readonly terminationMessages: ReadonlyMap<string, string>;
  /** Before the init containers have passed, a regular one waits with another word. */
  readonly isInitialized: boolean;
  /** The pod ended: what is gone stays as it was told last. */
  readonly isFinished: boolean;
  /** `docker`. */
  readonly scheme: string;
}

export function containerStatus(input: ContainerStatusInput): ContainerStatus {
  const run = input.runs[0];
  return run === undefined ? statusWithoutRun(input) : statusOfRun(input, run);
}

function statusOfRun(input: ContainerStatusInput, run: ContainerRecord): ContainerStatus {
  const { container, probes, previous } = input;
  const isRunning = run.state === 'running';
  const isStarted = isRunning && container.kind !== 'init' && probes.startup(run.id) === 'passed';
  const terminated = run.state === 'exited' ? terminatedState(input, run) : undefined;
  const priorRun = input.runs[1];
  const lastState = priorRun === undefined ? lastStateTold(input, run) : terminatedState(input, priorRun);
  const waits = terminated !== undefined && input.waiting !== undefined && !input.isFinished;
  const state: ContainerState = isRunning
    ? { running: { startedAt: rfc3339(run.startedAtMs ?? run.createdAtMs) } }
    : waits || terminated === undefined
      ? { waiting: waitingState(input) }
      : terminated;
  const ready = container.kind === 'init' ? run.exitCode === 0 : isStarted && probes.isReady(run.id);
  return {
    name: container.spec.name,
    state,
    lastState: (waits ? terminated : lastState) ?? {},
    ready,
    restartCount: Math.max(run.attempt, previous?.restartCount ?? 0),
    image: run.image === '' ? (container.spec.image ?? '') : run.image,
    imageID: run.imageId,
    containerID: `${input.scheme}://${run.id}`,
    started: isStarted,
  };
}

function statusWithoutRun(input: ContainerStatusInput): ContainerStatus {
  const { container, previous } = input;
  const wasDone = previous?.state?.terminated?.exitCode === 0 && container.kind === 'init';
  const keeps = previous !== undefined && (input.isFinished || (wasDone && input.isInitialized));
  const terminated = previous?.state?.terminated;
  return {
    name: container.spec.name,
    state: keeps ? endedState(previous) : { waiting: waitingState(input) },
    lastState:
      keeps || terminated === undefined ? { ...previous?.lastState } : { terminated: { ...terminated } },
    ready: keeps && wasDone,
    restartCount: previous?.restartCount ?? 0,
    image: container.spec.image ?? '',
    imageID: keeps ? previous.imageID : '',
    ...(keeps && previous.containerID !== undefined ? { containerID: previous.containerID } : {}),
    started: false,
  };
}

/** The state of a container of an ended pod that nobody saw end: upstream's words and exit code. */
function endedState(previous: DeepReadonly<ContainerStatus>): ContainerState {
  if (previous.state?.running === undefined) return { ...previous.state };
  return {
    terminated: {
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
      message: 'The container could not be located when the pod was terminated',
    },
  };
}

function waitingState({
  waiting,
  container,
  isInitialized,
}: ContainerStatusInput): ContainerState['waiting'] {
  if (waiting !== undefined) {
    return {
      reason: waiting.reason,
      ...(waiting.message === undefined ? {} : { message: waiting.message }),
    };
  }
  const waitsForInit = container.kind === 'regular' && !isInitialized;
  return { reason: waitsForInit || container.kind !== 'regular' ? 'PodInitializing' : 'ContainerCreating' };
}

function terminatedState(input: ContainerStatusInput, run: ContainerRecord): ContainerState {
  const message = input.terminationMessages.get(run.id) ?? run.error;
  return {
    terminated: {
      exitCode: run.exitCode ?? 0,
      reason: terminatedReason(run),
      ...(message === undefined || message === '' ? {} : { message }),
      startedAt: rfc3339(run.startedAtMs ?? run.createdAtMs),
      finishedAt: rfc3339(run.finishedAtMs ?? run.createdAtMs),
      containerID: `${input.scheme}://${run.id}`,
    },
  };
}

function terminatedReason(run: ContainerRecord): string {
  if (run.oomKilled === true) return 'OOMKilled';
  if (run.error !== undefined) return 'ContainerCannotRun';
  return run.exitCode === 0 ? 'Completed' : 'Error';
}

/** The end of the run before this one, when only the last status still knows it. */
function lastStateTold(input: ContainerStatusInput, run: ContainerRecord): ContainerState | undefined {
  const { previous } = input;
  const terminated = previous?.state?.terminated;
  if (terminated !== undefined && terminated.containerID !== `${input.scheme}://${run.id}`) {
    return { terminated: { ...terminated } };
  }
  return previous?.lastState === undefined ? undefined : { ...previous.lastState };
}
