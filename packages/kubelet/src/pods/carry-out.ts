import { errorMessage } from '@kubelab/component-base';
import { goDuration } from '../core/backoff.ts';
import type { KillAction, PodPlan, StartAction } from '../core/plan-pod.ts';
import type { PodRuntime } from '../core/types.ts';
import { type ContainerRecord, type PodSandbox, RuntimeError } from '../runtime/types.ts';
import { SetUpError } from '../volumes/volume-manager.ts';
import { type PodDeps, podText } from './deps.ts';
import type { PodView } from './pod-view.ts';
import { runSandbox } from './run-sandbox.ts';
import {
  fetchEnvObjects,
  postStart,
  StartError,
  startContainer,
  type StartInput,
} from './start-container.ts';
import { stopContainer } from './stop-pod.ts';
import type { Waker } from './waker.ts';

export const GRACE_SECONDS_DEFAULT = 30;
/** Name, towards the waker, of what concerns the pod as a whole. */
const WHOLE_POD = '';

export interface Worker {
  readonly deps: PodDeps;
  readonly view: PodView;
  readonly waker: Waker;
}

/** Does what a plan says and tells the status. True: something changed, plan again at once. */
export async function carryOut(worker: Worker, plan: PodPlan, before: PodRuntime): Promise<boolean> {
  const { deps, view, waker } = worker;
  if (plan.kill.length > 0) {
    for (const kill of plan.kill) await killContainer(worker, kill, before);
    view.runtime = undefined;
    return true; // the next plan starts them again
  }
  const due = waker.isTooEarly(WHOLE_POD) ? [] : plan.start.filter((action) => mayStart(worker, action));
  if (due.length === 0) {
    view.tell(before);
    return false;
  }
  // Independent of each other: the sandbox, the volumes, the images, what the environment names.
  const prepared = due.map((action) => ({
    action,
    image: deps.images.ensure(view.pod, action.container.spec),
    objects: fetchEnvObjects(deps, view.pod, action.container.spec),
  }));
  const volumes = deps.volumes.setUp(view.pod);
  const sandbox = sandboxFor(worker, plan, before);
  const fetched = Promise.allSettled([
    ...prepared.flatMap(({ image, objects }) => [image, objects]),
    volumes,
  ]);
  await Promise.allSettled([sandbox]);
  await Promise.race([fetched, view.ending]); // a pod that is deleted meanwhile waits for no image

  const ready = await sandbox.catch((error: unknown) => sandboxFailed(worker, error));
  if (ready === undefined) return false;
  let runtime: PodRuntime = plan.newSandbox === undefined ? before : { sandboxes: [ready], containers: [] };
  view.runtime = runtime;
  if (view.isEnding) return true;
  const paths = await volumes.catch((error: unknown) => volumesFailed(worker, error));
  if (paths !== undefined) waker.succeeded(WHOLE_POD);
  let startedCount = 0;
  for (const { action, image, objects } of paths === undefined ? [] : prepared) {
    if (view.isEnding) break;
    const input = { pod: view.pod, action, sandbox: ready, volumes: paths ?? new Map(), image, objects };
    const record = await tryStart(worker, input);
    if (record === undefined) continue;
    startedCount++;
    runtime = { ...runtime, containers: [record, ...runtime.containers] };
    view.runtime = runtime;
  }
  await view.hear(runtime); // a short job may have ended already
  view.tell(runtime);
  return startedCount > 0;
}

function sandboxFor(
  { deps, view }: Worker,
  plan: PodPlan,
  before: PodRuntime,
): Promise<PodSandbox | undefined> {
  return plan.newSandbox === undefined
    ? Promise.resolve(before.sandboxes[0])
    : runSandbox(deps, view.pod, before, plan.newSandbox.attempt);
}

function sandboxFailed({ deps, view, waker }: Worker, error: unknown): undefined {
  if (error instanceof RuntimeError && error.reason === 'down') throw error;
  const message = `Failed to create pod sandbox: ${errorMessage(error)}`;
  deps.event(view.pod, 'Warning', 'FailedCreatePodSandBox', message);
  deps.log.warn('sandbox not created', { pod: view.pod.metadata.name, err: error });
  view.runtime = undefined;
  waker.failed(WHOLE_POD);
}

export function volumesFailed({ deps, view, waker }: Worker, error: unknown): undefined {
  const message = error instanceof SetUpError ? error.message : errorMessage(error);
  deps.event(view.pod, 'Warning', 'FailedMount', message);
  deps.log.warn('volumes not set up', { pod: view.pod.metadata.name, err: message });
  waker.failed(WHOLE_POD);
}

async function killContainer(
  { deps, view }: Worker,
  { record, spec, reason }: KillAction,
  runtime: PodRuntime,
): Promise<void> {
  const why = {
    changed: `Container ${spec.name} definition changed, will be restarted`,
    liveness: `Container ${spec.name} failed liveness probe, will be restarted`,
    startup: `Container ${spec.name} failed startup probe, will be restarted`,
  }[reason];
  const probe =
    reason === 'changed' ? undefined : reason === 'startup' ? spec.startupProbe : spec.livenessProbe;
  const grace =
    probe?.terminationGracePeriodSeconds ??
    view.pod.spec.terminationGracePeriodSeconds ??
    GRACE_SECONDS_DEFAULT;
  view.killing.add(record.id);
  try {
    await stopContainer(deps, view.pod, record, grace, runtime.sandboxes[0]?.ip ?? '', why);
  } finally {
    view.killing.delete(record.id);
  }
}

/** False while a container that keeps failing has to wait. */
function mayStart({ deps, view, waker }: Worker, { container, lastRun }: StartAction): boolean {
  const { backoff, clock, event } = deps;
  const { name } = container.spec;
  if (waker.isTooEarly(name)) return false;
  if (lastRun?.finishedAtMs === undefined) return true;
  const key = `${view.pod.metadata.uid}/${name}`;
  const remainingMs = backoff.remainingMs(key, lastRun.finishedAtMs, clock.now());
  if (remainingMs === 0) {
    backoff.next(key, lastRun.finishedAtMs, clock.now());
    return true;
  }
  const text = podText(view.pod);
  if (view.waiting.get(name)?.reason !== 'CrashLoopBackOff') {
    event(view.pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${text}`);
  }
  const delay = goDuration(backoff.delayMs(key));
  view.waiting.set(name, {
    reason: 'CrashLoopBackOff',
    message: `back-off ${delay} restarting failed container=${name} pod=${text}`,
  });
  waker.after(remainingMs);
  return false;
}

async function tryStart(
  { deps, view, waker }: Worker,
  input: StartInput,
): Promise<ContainerRecord | undefined> {
  const { name } = input.action.container.spec;
  try {
    // Urgent: a pod that has its sandbox is finished before the next pod begins.
    const record = await deps.starts.run(() => startContainer(deps, input), true);
    await postStart(deps, input, record);
    view.waiting.delete(name);
    waker.succeeded(name);
    return record;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    view.waiting.set(name, error.waiting);
    const { reason } = error.waiting;
    deps.log.warn('container not started', {
      pod: view.pod.metadata.name,
      container: name,
      reason,
      err: error.message,
    });
    // It was made and has failed: the next pass finds it dead, and the back-off of crash loops counts.
    if (error.leavesContainer) {
      view.runtime = undefined;
      waker.after(0);
    } else {
      if (error.retryAfterMs === undefined) waker.failed(name);
      else waker.retryAfter(name, error.retryAfterMs);
    }
    return undefined;
  }
}
