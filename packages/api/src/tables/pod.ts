/**
 * Pods. The Status column is the phase, overridden by whatever explains it better: a failing init container,
 * a waiting or ended container, deletion.
 */
import type { ContainerStateTerminated, ContainerStatus, Pod, PodTemplate } from '../generated/types.ts';
import { isConditionTrue } from '../helpers/conditions.ts';
import { isPodReady, isPodTerminal, isSidecar } from '../helpers/pods.ts';
import { ageOf, humanDuration, timestampMs } from './age.ts';
import {
  type Cell,
  columns,
  containerCells,
  labelsText,
  NONE,
  type RowCondition,
  type TablePrinter,
} from './table.ts';

const NODE_UNREACHABLE = 'NodeLost';

export const podPrinter: TablePrinter<Pod> = {
  columns: columns(
    'Name',
    'Ready',
    'Status',
    'Restarts',
    'Age',
    '|IP',
    '|Node',
    '|Nominated Node',
    '|Readiness Gates',
  ),
  cells: (pod, nowMs) => {
    const summary = summarize(pod);
    return [
      pod.metadata.name,
      `${summary.readyCount}/${summary.containerCount}`,
      statusOf(pod, summary.reason),
      restartsText(summary, nowMs),
      ageOf(pod.metadata.creationTimestamp, nowMs),
      pod.status?.podIPs?.[0]?.ip || pod.status?.podIP || NONE,
      pod.spec.nodeName || NONE,
      pod.status?.nominatedNodeName || NONE,
      readinessGates(pod),
    ];
  },
  conditions: completion,
};

interface Summary {
  reason: string;
  containerCount: number;
  readyCount: number;
  restartCount: number;
  /** ms of the latest end of a container that was restarted. */
  lastRestartMs: number | undefined;
}

/** What deletion and the phase have to say comes after what the containers say. */
function statusOf(pod: Pod, reason: string): string {
  if (pod.metadata.deletionTimestamp === undefined) return reason;
  if (pod.status?.reason === NODE_UNREACHABLE) return 'Unknown';
  return isPodTerminal(pod) ? reason : 'Terminating';
}

function summarize(pod: Pod): Summary {
  const { status } = pod;
  const sidecars = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const initial: Summary = {
    reason: firstReason(pod),
    containerCount: (pod.spec.containers ?? []).length + sidecars.size,
    readyCount: 0,
    restartCount: 0,
    lastRestartMs: undefined,
  };
  const started = summarizeInit(pod, sidecars, initial);
  const isInitialized = isConditionTrue(status?.conditions, 'Initialized');
  return started.isInitializing && !isInitialized
    ? started.summary
    : summarizeRunning(pod, sidecars, started.summary);
}

function firstReason({ status }: Pod): string {
  const isGated = status?.conditions?.some(
    (c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated',
  );
  if (isGated) return 'SchedulingGated';
  return status?.reason || status?.phase || '';
}

/** Init containers run one after the other: the first that is not done explains the pod. */
function summarizeInit(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary) {
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    countRestarts(summary, container);
    const terminated = container.state?.terminated;
    if (terminated !== undefined && terminated.exitCode === 0) continue;
    if (sidecars.has(container.name) && container.started === true) {
      if (container.ready) summary.readyCount += 1;
      continue;
    }
    const waiting = container.state?.waiting?.reason;
    if (terminated !== undefined) summary.reason = `Init:${endReason(terminated)}`;
    else if (waiting && waiting !== 'PodInitializing') summary.reason = `Init:${waiting}`;
    else summary.reason = `Init:${index}/${(pod.spec.initContainers ?? []).length}`;
    return { summary, isInitializing: true };
  }
  return { summary, isInitializing: false };
}

/** Once init is over its restarts no longer count, but those of sidecars do. */
function summarizeRunning(pod: Pod, sidecars: ReadonlySet<string>, summary: Summary): Summary {
  const { status } = pod;
  summary.restartCount = 0;
  summary.lastRestartMs = undefined;
  for (const container of status?.initContainerStatuses ?? []) {
    if (sidecars.has(container.name)) countRestarts(summary, container);
  }
  let isAnyRunning = false;
  for (const container of (status?.containerStatuses ?? []).toReversed()) {
    countRestarts(summary, container);
    const { state } = container;
    if (state?.waiting?.reason) summary.reason = state.waiting.reason;
    else if (state?.terminated !== undefined) summary.reason = endReason(state.terminated);
    else if (container.ready && state?.running !== undefined) {
      isAnyRunning = true;
      summary.readyCount += 1;
    }
  }
  if (summary.reason === 'Completed' && isAnyRunning)
    summary.reason = isPodReady(pod) ? 'Running' : 'NotReady';
  return summary;
}

function countRestarts(summary: Summary, container: ContainerStatus): void {
  summary.restartCount += container.restartCount ?? 0;
  const endedMs = timestampMs(container.lastState?.terminated?.finishedAt);
  if (endedMs !== undefined) summary.lastRestartMs = Math.max(summary.lastRestartMs ?? 0, endedMs);
}

function endReason(terminated: ContainerStateTerminated): string {
  if (terminated.reason) return terminated.reason;
  return terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`;
}

function restartsText({ restartCount, lastRestartMs }: Summary, nowMs: number): Cell {
  if (restartCount === 0 || lastRestartMs === undefined) return String(restartCount);
  return `${restartCount} (${humanDuration(nowMs - lastRestartMs)} ago)`;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec.readinessGates ?? [];
  if (gates.length === 0) return NONE;
  const open = gates.filter((gate) => isConditionTrue(pod.status?.conditions, gate.conditionType));
  return `${open.length}/${gates.length}`;
}

function completion({ status }: Pod): RowCondition[] {
  if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') return [];
  const message = status.phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return [{ type: 'Completed', status: 'True', reason: status.phase, message }];
}

export const podTemplatePrinter: TablePrinter<PodTemplate> = {
  columns: columns('Name', 'Containers', 'Images', 'Pod Labels'),
  cells: ({ metadata, template }) => [
    metadata.name,
    ...containerCells(template?.spec),
    labelsText(template?.metadata?.labels),
  ],
};
