import { type PodObject, podContainers, type PodRuntime } from '../core/types.ts';
import type { ContainerRecord } from '../runtime/types.ts';
import type { PodDeps } from './deps.ts';
import { runHandler } from './handlers.ts';

/** A hook that took the whole grace period still leaves the container this long: upstream's minimum. */
const GRACE_AFTER_HOOK_SECONDS_MIN = 2;

/** One orderly end of a pod's containers; `hurry` cuts the grace period of those that still run. */
export interface StopInProgress {
  readonly done: Promise<void>;
  graceSeconds: number;
  hurry(graceSeconds: number): void;
}

/**
 * Ends every running container: the regular ones together, then the sidecars, last started first.
 * Each is asked (preStop, stop signal), given its time, and killed.
 */
export function stopContainers(
  deps: PodDeps,
  pod: PodObject,
  runtime: PodRuntime,
  graceSeconds: number,
): StopInProgress {
  const running = runtime.containers.filter((record) => record.state === 'running');
  const sidecars = new Set(
    podContainers(pod)
      .filter(({ kind }) => kind === 'sidecar')
      .map(({ spec }) => spec.name),
  );
  const inOrder = podContainers(pod).map(({ spec }) => spec.name);
  const stopping = new Set<string>();
  const stop: StopInProgress = {
    graceSeconds,
    done: Promise.resolve(),
    hurry(seconds) {
      stop.graceSeconds = seconds;
      // A second stop with less time is the runtime's way of being quicker.
      for (const id of stopping) void deps.runtime.stopContainer(id, seconds).catch(() => undefined);
    },
  };
  const untilMs = deps.clock.monotonic() + graceSeconds * 1000;
  const one = async (record: ContainerRecord) => {
    const leftSeconds = Math.max(0, Math.ceil((untilMs - deps.clock.monotonic()) / 1000));
    stopping.add(record.id);
    try {
      await stopContainer(
        deps,
        pod,
        record,
        Math.min(leftSeconds, stop.graceSeconds),
        runtime.sandboxes[0]?.ip ?? '',
      );
    } finally {
      stopping.delete(record.id);
    }
  };
  const all = async () => {
    await Promise.all(running.filter(({ name }) => !sidecars.has(name)).map(one));
    const last = running
      .filter(({ name }) => sidecars.has(name))
      .toSorted((a, b) => inOrder.indexOf(b.name) - inOrder.indexOf(a.name));
    for (const record of last) await one(record);
  };
  return Object.assign(stop, { done: all() });
}

export async function stopContainer(
  deps: PodDeps,
  pod: PodObject,
  record: ContainerRecord,
  graceSeconds: number,
  podIp: string,
  message = `Stopping container ${record.name}`,
): Promise<void> {
  const container = podContainers(pod).find(({ spec }) => spec.name === record.name)?.spec;
  deps.event(pod, 'Normal', 'Killing', message);
  deps.log.info('stopping container', {
    pod: pod.metadata.name,
    container: record.name,
    graceSeconds,
  });
  const hook = container?.lifecycle?.preStop;
  let leftSeconds = graceSeconds;
  if (hook !== undefined && container !== undefined && graceSeconds > 0) {
    const startMs = deps.clock.monotonic();
    const target = { ...deps, containerId: record.id, container, podIp };
    const timeoutMs = graceSeconds * 1000;
    const answered = new AbortController();
    const timeout = deps.clock.sleep(timeoutMs, answered.signal).then(
      () => ({ ok: false, output: 'grace period is over' }),
      () => ({ ok: true, output: '' }), // the hook was quicker
    );
    const { ok, output } = await Promise.race([runHandler(hook, target, timeoutMs), timeout]);
    answered.abort();
    if (!ok) deps.event(pod, 'Warning', 'FailedPreStopHook', `PreStopHook failed: ${output}`);
    const tookSeconds = Math.round((deps.clock.monotonic() - startMs) / 1000);
    leftSeconds = Math.max(GRACE_AFTER_HOOK_SECONDS_MIN, graceSeconds - tookSeconds);
  }
  await deps.runtime.stopContainer(record.id, leftSeconds);
}
