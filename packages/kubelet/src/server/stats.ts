import { rfc3339 } from '@kubelab/component-base';
import type { PodObject } from '../core/types.ts';
import type { ContainerStats, Runtime } from '../runtime/types.ts';

/** `/stats/summary`, as far as the kernel's own counters tell it: CPU time and memory of containers, pods and node. */
export async function statsSummary(runtime: Runtime, nodeName: string, pods: readonly PodObject[]) {
  const { containers } = await runtime.listPods();
  const running = containers.filter(({ state }) => state === 'running');
  const measured = await Promise.all(
    running.map(async (record) => ({ record, stats: await runtime.containerStats(record.id) })),
  );
  const podStats = pods.map((pod) => {
    const own = measured.flatMap(({ record, stats }) =>
      record.pod.uid === pod.metadata.uid && stats !== undefined
        ? [
            {
              name: record.name,
              startTime: rfc3339(record.startedAtMs ?? record.createdAtMs),
              ...usage(stats),
            },
          ]
        : [],
    );
    const { name, namespace, uid } = pod.metadata;
    return {
      podRef: { name, namespace, uid },
      startTime: pod.status?.startTime,
      containers: own,
      ...sum(own),
    };
  });
  return { node: { nodeName, ...sum(podStats) }, pods: podStats };
}

interface Usage {
  readonly cpu?: { readonly time: string; readonly usageCoreNanoSeconds: number };
  readonly memory?: { readonly time: string; readonly usageBytes: number; readonly workingSetBytes: number };
}

function usage({ atMs, cpuNanoseconds, memoryBytes, workingSetBytes }: ContainerStats): Usage {
  const time = rfc3339(atMs);
  return {
    cpu: { time, usageCoreNanoSeconds: cpuNanoseconds },
    memory: { time, usageBytes: memoryBytes, workingSetBytes },
  };
}

function sum(parts: readonly Usage[]): Usage {
  const first = parts.find(({ cpu }) => cpu !== undefined);
  if (first?.cpu === undefined) return {};
  const { time } = first.cpu;
  const add = (pick: (part: Usage) => number | undefined) =>
    parts.reduce((total, part) => total + (pick(part) ?? 0), 0);
  return {
    cpu: { time, usageCoreNanoSeconds: add(({ cpu }) => cpu?.usageCoreNanoSeconds) },
    memory: {
      time,
      usageBytes: add(({ memory }) => memory?.usageBytes),
      workingSetBytes: add(({ memory }) => memory?.workingSetBytes),
    },
  };
}
