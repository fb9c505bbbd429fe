/**
 * A pod's status from what runs. Pure; upstream: `generateAPIPodStatus`, `getPhase`, `status/generate.go`.
 * Invariants
 *   STATUS-1  a terminal phase is never left
 *   STATUS-2  a condition's transition time moves only when its status does
 */
import { assert, rfc3339 } from '@kubelab/component-base';
import type { DeepReadonly } from '@kubelab/client';
import type { ContainerRecord } from '../runtime/types.ts';
import { containerStatus, type WaitingReason } from './container-status.ts';
import { podConditions } from './pod-conditions.ts';
import type { ProbeResults } from './plan-pod.ts';
import {
  type ContainerStatus,
  isPodTerminal,
  type PodObject,
  type PodRuntime,
  type PodStatus,
  podContainers,
} from './types.ts';

export interface PodStatusInput {
  readonly pod: PodObject;
  readonly runtime: PodRuntime;
  readonly probes: ProbeResults;
  /** The newest status known: our own last one, else the API's. */
  readonly previous: DeepReadonly<PodStatus> | undefined;
  readonly waiting: ReadonlyMap<string, WaitingReason>;
  readonly terminationMessages: ReadonlyMap<string, string>;
  readonly nowMs: number;
  readonly hostIp: string;
  readonly qosClass: string;
  readonly scheme: string;
  /** Everything of the pod has been stopped. */
  readonly isFinished: boolean;
  /** Set by the node's own decisions: refused at the door, evicted, past its deadline. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
}

export function podStatus(input: PodStatusInput): PodStatus {
  const { pod, runtime, previous } = input;
  const sandbox = runtime.sandboxes[0];
  const isInitialized = initialized(pod, runtime.containers, input.probes);
  const statuses = podContainers(pod).map((container) => ({
    kind: container.kind,
    status: containerStatus({
      ...input,
      container,
      isInitialized,
      runs: runsOf(runtime.containers, container.spec.name),
      waiting: input.waiting.get(container.spec.name),
      previous: previousOf(previous, container.spec.name),
    }),
  }));
  const containerStatuses = statuses.filter(({ kind }) => kind === 'regular').map(({ status }) => status);
  const initContainerStatuses = statuses.filter(({ kind }) => kind !== 'regular').map(({ status }) => status);
  const phase = phaseOf(input, containerStatuses, initContainerStatuses);
  assert(!isPodTerminal(previous) || previous?.phase === phase, 'STATUS-1');
  const ip = pod.spec.hostNetwork === true && sandbox !== undefined ? input.hostIp : (sandbox?.ip ?? '');
  const podIp = ip === '' && (input.isFinished || isPodTerminal(previous)) ? (previous?.podIP ?? '') : ip;
  const { generation } = pod.metadata;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    ...failureOf(input),
    conditions: podConditions({
      pod,
      phase,
      initContainerStatuses,
      containerStatuses,
      isInitialized: isInitialized || (input.isFinished && phase === 'Succeeded'),
      hasSandbox: sandbox?.isReady === true && (ip !== '' || pod.spec.hostNetwork === true),
      previous: previous?.conditions ?? [],
      now: rfc3339(input.nowMs),
    }),
    hostIP: input.hostIp,
    hostIPs: [{ ip: input.hostIp }],
    ...(podIp === '' ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    startTime: previous?.startTime ?? rfc3339(input.nowMs),
    ...(initContainerStatuses.length === 0 ? {} : { initContainerStatuses }),
    containerStatuses,
    qosClass: input.qosClass,
  };
}

export function runsOf(containers: readonly ContainerRecord[], name: string): ContainerRecord[] {
  return containers.filter((record) => record.name === name).toSorted((a, b) => b.attempt - a.attempt);
}

function previousOf(
  status: DeepReadonly<PodStatus> | undefined,
  name: string,
): DeepReadonly<ContainerStatus> | undefined {
  return [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(
    (entry) => entry.name === name,
  );
}

function initialized(pod: PodObject, containers: readonly ContainerRecord[], probes: ProbeResults): boolean {
  if (pod.spec.containers.some((spec) => containers.some((record) => record.name === spec.name))) return true;
  return podContainers(pod)
    .filter(({ kind }) => kind !== 'regular')
    .every(({ spec, kind }) => {
      const run = runsOf(containers, spec.name)[0];
      if (run === undefined) return false;
      return kind === 'sidecar'
        ? run.state === 'running' && probes.startup(run.id) === 'passed'
        : run.state === 'exited' && run.exitCode === 0;
    });
}

function failureOf({ failure, previous }: PodStatusInput): { reason?: string; message?: string } {
  if (failure !== undefined) return { reason: failure.reason, message: failure.message };
  if (!isPodTerminal(previous)) return {};
  return {
    ...(previous?.reason === undefined ? {} : { reason: previous.reason }),
    ...(previous?.message === undefined ? {} : { message: previous.message }),
  };
}

function phaseOf(
  input: PodStatusInput,
  regular: readonly ContainerStatus[],
  init: readonly ContainerStatus[],
): string {
  const { pod, previous } = input;
  if (isPodTerminal(previous)) return previous?.phase ?? 'Failed'; // STATUS-1
  if (input.failure !== undefined) return 'Failed';
  const succeeded = regular.filter((status) => status.state?.terminated?.exitCode === 0).length;
  if (input.isFinished) return succeeded === regular.length ? 'Succeeded' : 'Failed';
  const policy = pod.spec.restartPolicy ?? 'Always';
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name),
  );
  const plainInit = init.filter((status) => !sidecars.has(status.name));
  const initFailed = plainInit.some((status) => (lastEnd(status)?.exitCode ?? 0) !== 0);
  if (initFailed && policy === 'Never') return 'Failed';
  const initPending =
    plainInit.some((status) => status.state?.terminated?.exitCode !== 0) ||
    init.some((status) => sidecars.has(status.name) && status.started !== true && status.restartCount === 0);
  const running = regular.filter((status) => status.state?.running !== undefined).length;
  const stopped = regular.filter(
    (status) => status.state?.running === undefined && lastEnd(status) !== undefined,
  );
  if (initPending && running === 0 && stopped.length === 0) return 'Pending';
  if (running + stopped.length < regular.length) return 'Pending';
  if (running > 0 || policy === 'Always') return 'Running';
  if (succeeded === regular.length) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

/** How it ended: now, or the last time when it waits for another try. */
function lastEnd(status: ContainerStatus) {
  return (
    status.state?.terminated ??
    (status.state?.waiting === undefined ? undefined : status.lastState?.terminated)
  );
}
