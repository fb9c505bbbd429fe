import { isStatus, Pod, podQosClass } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';
import { errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import { admit, type Refusal } from '../core/admission.ts';
import { goDuration } from '../core/backoff.ts';
import type { WaitingReason } from '../core/container-status.ts';
import { type KillAction, planPod, type PodPlan, type StartAction } from '../core/plan-pod.ts';
import { podStatus } from '../core/pod-status.ts';
import { isPodTerminal, noRuntime, type PodObject, type PodRuntime, type PodStatus } from '../core/types.ts';
import { type ContainerRecord, type RuntimeEvent, RuntimeError } from '../runtime/types.ts';
import { SetUpError, type VolumePaths } from '../volumes/volume-manager.ts';
import { type PodDeps, podText } from './deps.ts';
import { readLastWords } from './last-words.ts';
import { runSandbox } from './run-sandbox.ts';
import { fetchEnvObjects, StartError, startContainer } from './start-container.ts';
import { type StopInProgress, stopContainer, stopContainers } from './stop-pod.ts';

/** After a failure that nothing announces the end of. */
const RETRY_MS = 5_000;
/** Tokens and ConfigMap volumes are looked at again this often. */
const REFRESH_MS = 60_000;
const GRACE_SECONDS_DEFAULT = 30;

/**
 * Brings one pod (one uid) to what is wanted, one pass at a time: look, plan, act, tell.
 * Invariants
 *   WORKER-1  one pass at a time for each pod
 *   WORKER-2  a pod leaves the API only after its containers are gone
 */
export class PodWorker {
  readonly uid: string;
  readonly #deps: PodDeps;
  readonly #log: Logger;
  readonly #onGone: () => void;
  #pod: PodObject;
  #isInApi = true;
  #isAdmitted = false;
  #failure: Refusal | undefined;
  /** undefined: must be asked for. */
  #runtime: PodRuntime | undefined;
  #status: PodStatus | undefined;
  #volumes: VolumePaths | undefined;
  #volumesAtMs = 0;
  readonly #waiting = new Map<string, WaitingReason>();
  /** After a failure: no other try before, whatever wakes the worker meanwhile. By container name; '' is the whole pod. */
  readonly #notBeforeMs = new Map<string, number>();
  readonly #lastWords = new Map<string, string>();
  #stop: StopInProgress | undefined;
  #isDirty = false;
  #running: Promise<void> | undefined;
  #isActing = false;
  #isGone = false;
  #timer: { readonly atMs: number; readonly timer: Timer } | undefined;

  constructor(deps: PodDeps, pod: PodObject, runtime: PodRuntime, onGone: () => void) {
    this.#deps = deps;
    this.#pod = pod;
    this.uid = pod.metadata.uid;
    this.#runtime = runtime;
    // What already runs was let in by an earlier kubelet.
    this.#isAdmitted = runtime.containers.length > 0 || isPodTerminal(pod.status);
    this.#onGone = onGone;
    this.#log = deps.log.child({ pod: pod.metadata.name, namespace: pod.metadata.namespace });
  }

  get pod(): PodObject {
    return this.#pod;
  }

  /** Let in, and not ended: it counts against the node. */
  get usesResources(): boolean {
    return this.#isAdmitted && !isPodTerminal(this.#status ?? this.#pod.status);
  }

  get podIp(): string {
    return this.#status?.podIP ?? '';
  }

  get knownRuntime(): PodRuntime | undefined {
    return this.#runtime;
  }

  update(pod: PodObject): void {
    this.#pod = pod;
    if (this.#stop !== undefined && pod.metadata.deletionTimestamp !== undefined) {
      const grace = pod.metadata.deletionGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
      if (grace < this.#stop.graceSeconds) this.#stop.hurry(grace);
    }
    this.kick();
  }

  /** The API no longer has it; `pod` is the last that was seen of it. */
  remove(pod: PodObject): void {
    this.update(pod);
    this.#isInApi = false;
    this.kick();
  }

  onEvent(event: RuntimeEvent): void {
    const known = this.#runtime?.containers.find(({ id }) => id === event.id);
    const sandbox = this.#runtime?.sandboxes.find(({ id }) => id === event.id);
    if (
      event.type === 'started' &&
      (this.#isActing || known?.state === 'running' || sandbox?.isReady === true)
    )
      return;
    if (event.type === 'died' && known?.state === 'exited') return;
    if (event.type === 'removed' && known === undefined && sandbox === undefined) return;
    this.invalidate();
  }

  /** The kubelet ends: the pod goes on without it. */
  stop(): void {
    this.#isGone = true;
    this.#timer?.timer.cancel();
    this.#deps.prober.stopPod(this.uid);
  }

  /** What is known of the runtime may be old: ask again. */
  invalidate(): void {
    this.#runtime = undefined;
    this.kick();
  }

  kick(): void {
    if (this.#isGone) return;
    this.#isDirty = true;
    this.#running ??= this.#run(); // WORKER-1
  }

  async #run(): Promise<void> {
    await Promise.resolve(); // what is known in this turn of the event loop goes into one pass
    while (this.#isDirty && !this.#isGone) {
      this.#isDirty = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#runtime = undefined;
        if (error instanceof RuntimeError && error.reason === 'down') break; // the engine's return kicks
        this.#log.warn('pod pass failed', { err: error });
        this.#kickAfter(RETRY_MS);
      }
    }
    this.#running = undefined;
  }

  async #pass(): Promise<void> {
    const runtime = await this.#look();
    const pod = this.#pod;
    if (!this.#isInApi || pod.metadata.deletionTimestamp !== undefined) return this.#terminate(runtime);
    if (isPodTerminal(this.#previous())) return this.#end(runtime);
    this.#checkDeadline();
    if (!this.#isAdmitted) this.#admit();
    if (this.#failure !== undefined) return this.#end(runtime);
    const { prober } = this.#deps;
    prober.sync(pod, runtime, (record) => this.#wasReady(record));
    const plan = planPod({ pod, runtime, probes: prober, previous: this.#previous() });
    if (plan.isFinished) return this.#end(runtime);
    const hasWork = plan.newSandbox !== undefined || plan.start.length > 0 || plan.kill.length > 0;
    // Early, beside the work: that the pod is here, what it waits for, and how what is cleared away had ended.
    if (this.#status === undefined || !hasWork || plan.newSandbox !== undefined) this.#tell(runtime, false);
    if (hasWork) await this.#carryOut(plan, runtime);
    await this.#refreshVolumes();
    void this.#forgetOldRuns();
  }

  async #look(): Promise<PodRuntime> {
    if (this.#runtime !== undefined) return this.#runtime;
    // Set first: an event that comes while we ask makes it unknown again.
    const asked = this.#deps.runtime.listPods(this.uid);
    this.#runtime = noRuntime;
    const runtime = await asked;
    if (this.#runtime === noRuntime) this.#runtime = runtime;
    await readLastWords(this.#deps, this.#pod, runtime, this.#lastWords);
    return runtime;
  }

  /** The newest status known; conditions that others write come from the API. */
  #previous(): DeepReadonly<PodStatus> | undefined {
    const told = this.#pod.status;
    if (this.#status === undefined || isPodTerminal(told)) return told;
    const ours = new Set((this.#status.conditions ?? []).map(({ type }) => type));
    const foreign = (told?.conditions ?? []).filter(({ type }) => !ours.has(type));
    const gates = new Set((this.#pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType));
    const current = (this.#status.conditions ?? []).filter(({ type }) => !gates.has(type));
    const gated = (told?.conditions ?? []).filter(({ type }) => gates.has(type) && ours.has(type));
    return { ...this.#status, conditions: [...current, ...gated, ...foreign] };
  }

  #tell(runtime: PodRuntime, isFinished: boolean): void {
    const { clock, facts, prober, statuses } = this.#deps;
    const pod = this.#pod;
    prober.sync(pod, runtime, (record) => this.#wasReady(record));
    const previous = this.#previous();
    this.#status = podStatus({
      pod,
      runtime,
      probes: prober,
      previous,
      waiting: this.#waiting,
      terminationMessages: this.#lastWords,
      nowMs: clock.now(),
      hostIp: facts.hostIp,
      qosClass: previous?.qosClass ?? podQosClass(pod),
      scheme: this.#deps.runtime.scheme,
      isFinished,
      failure: this.#failure,
    });
    statuses.set(pod, this.#status);
    this.#deps.onStatus(pod, this.#status);
  }

  #wasReady(record: ContainerRecord): boolean {
    const id = `${this.#deps.runtime.scheme}://${record.id}`;
    const { containerStatuses = [], initContainerStatuses = [] } = this.#pod.status ?? {};
    return [...containerStatuses, ...initContainerStatuses].some(
      ({ containerID, ready }) => containerID === id && ready,
    );
  }

  #admit(): void {
    const { node, admitted, facts } = this.#deps;
    const self = node();
    const others = admitted().filter((other) => other.metadata.uid !== this.uid);
    this.#failure = self === undefined ? undefined : admit(this.#pod, self, others, facts.allocatable);
    this.#isAdmitted = this.#failure === undefined;
    if (this.#failure !== undefined) {
      this.#deps.event(this.#pod, 'Warning', this.#failure.reason, this.#failure.message);
    }
  }

  #checkDeadline(): void {
    const { activeDeadlineSeconds } = this.#pod.spec;
    const start = Date.parse(this.#previous()?.startTime ?? '');
    if (activeDeadlineSeconds === undefined || Number.isNaN(start)) return;
    const leftMs = start + activeDeadlineSeconds * 1000 - this.#deps.clock.now();
    if (leftMs > 0) {
      this.#kickAfter(leftMs);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#failure = { reason: 'DeadlineExceeded', message };
    this.#deps.event(this.#pod, 'Normal', 'DeadlineExceeded', message);
  }

  async #carryOut(plan: PodPlan, before: PodRuntime): Promise<void> {
    const { deps, pod } = { deps: this.#deps, pod: this.#pod };
    if (this.#isTooEarly('')) {
      this.#tell(before, false);
      return;
    }
    this.#isActing = true;
    try {
      for (const kill of plan.kill) await this.#kill(kill, before);
      const due = plan.start.filter((action) => this.#mayStart(action));
      const hasSandboxWork = plan.newSandbox !== undefined;
      if (due.length === 0 && !hasSandboxWork) {
        if (plan.kill.length > 0) this.invalidate();
        this.#tell(before, false);
        return;
      }
      // Independent of each other: the sandbox, the volumes, the images, what the environment names.
      const images = due.map(({ container }) => deps.images.ensure(pod, container.spec));
      const objects = due.map(({ container }) => fetchEnvObjects(deps, pod, container.spec));
      const volumes = deps.volumes.setUp(pod);
      const sandbox =
        plan.newSandbox === undefined
          ? Promise.resolve(before.sandboxes[0])
          : runSandbox(deps, pod, before, plan.newSandbox.attempt);
      await Promise.allSettled([...images, ...objects, volumes, sandbox]);
      const ready = await sandbox.catch((error: unknown) => this.#sandboxFailed(error));
      if (ready === undefined) return;
      let runtime: PodRuntime = hasSandboxWork ? { sandboxes: [ready], containers: [] } : before;
      this.#runtime = runtime;
      this.#volumes = await volumes.catch((error: unknown) => this.#volumesFailed(error));
      this.#volumesAtMs = deps.clock.monotonic();
      if (this.#volumes === undefined) {
        this.#tell(runtime, false);
        return;
      }
      for (const [index, action] of due.entries()) {
        const [image, keyed] = [images[index], objects[index]];
        if (image === undefined || keyed === undefined) continue;
        const input = { pod, action, sandbox: ready, volumes: this.#volumes, image, objects: keyed };
        const record = await deps.starts.run(() => this.#tryStart(input), true);
        if (record === undefined) continue;
        runtime = { ...runtime, containers: [record, ...runtime.containers] };
        this.#runtime = runtime;
        this.#isDirty = true; // what may start after it?
      }
      this.#tell(runtime, false);
    } finally {
      this.#isActing = false;
    }
  }

  async #kill({ record, spec, reason }: KillAction, runtime: PodRuntime): Promise<void> {
    const why = {
      changed: `Container ${spec.name} definition changed, will be restarted`,
      liveness: `Container ${spec.name} failed liveness probe, will be restarted`,
      startup: `Container ${spec.name} failed startup probe, will be restarted`,
    }[reason];
    const probe = reason === 'startup' ? spec.startupProbe : spec.livenessProbe;
    const grace =
      (reason === 'changed' ? undefined : probe?.terminationGracePeriodSeconds) ??
      this.#pod.spec.terminationGracePeriodSeconds ??
      GRACE_SECONDS_DEFAULT;
    await stopContainer(this.#deps, this.#pod, record, grace, runtime.sandboxes[0]?.ip ?? '', why);
    this.#runtime = undefined;
    this.#isDirty = true;
  }

  /** False while a container that keeps failing has to wait. */
  #mayStart({ container, lastRun }: StartAction): boolean {
    const { backoff, clock, event } = this.#deps;
    const { name } = container.spec;
    if (this.#isTooEarly(name)) return false;
    if (lastRun?.finishedAtMs === undefined) return true;
    const key = `${this.uid}/${name}`;
    const remainingMs = backoff.remainingMs(key, lastRun.finishedAtMs, clock.now());
    if (remainingMs === 0) {
      backoff.next(key, lastRun.finishedAtMs, clock.now());
      return true;
    }
    const text = podText(this.#pod);
    if (this.#waiting.get(name)?.reason !== 'CrashLoopBackOff') {
      event(this.#pod, 'Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${text}`);
    }
    const delay = goDuration(backoff.delayMs(key));
    this.#waiting.set(name, {
      reason: 'CrashLoopBackOff',
      message: `back-off ${delay} restarting failed container=${name} pod=${text}`,
    });
    this.#kickAfter(remainingMs);
    return false;
  }

  async #tryStart(input: Parameters<typeof startContainer>[1]): Promise<ContainerRecord | undefined> {
    const { name } = input.action.container.spec;
    try {
      const record = await startContainer(this.#deps, input);
      this.#waiting.delete(name);
      return record;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      this.#waiting.set(name, error.waiting);
      this.#log.warn('container not started', {
        container: name,
        reason: error.waiting.reason,
        err: error.message,
      });
      this.#retryAfter(name, error.retryAfterMs ?? RETRY_MS);
      if (error.waiting.reason === 'RunContainerError') this.#runtime = undefined; // there is a dead one now
      return undefined;
    }
  }

  #sandboxFailed(error: unknown): undefined {
    if (error instanceof RuntimeError && error.reason === 'down') throw error;
    const message = `Failed to create pod sandbox: ${errorMessage(error)}`;
    this.#deps.event(this.#pod, 'Warning', 'FailedCreatePodSandBox', message);
    this.#log.warn('sandbox not created', { err: error });
    this.#runtime = undefined;
    this.#retryAfter('', RETRY_MS);
  }

  #volumesFailed(error: unknown): undefined {
    const message = error instanceof SetUpError ? error.message : errorMessage(error);
    this.#deps.event(this.#pod, 'Warning', 'FailedMount', message);
    this.#log.warn('volumes not set up', { err: message });
    this.#retryAfter('', RETRY_MS);
  }

  /** Keeps what came from the API up to date in the volumes of a running pod. */
  async #refreshVolumes(): Promise<void> {
    if (!(this.#pod.spec.volumes ?? []).some(isFromApi)) return;
    const ageMs = this.#deps.clock.monotonic() - this.#volumesAtMs;
    if (this.#volumes === undefined || ageMs >= REFRESH_MS) {
      const hasContainers = (this.#runtime?.containers.length ?? 0) > 0;
      if (hasContainers)
        this.#volumes = await this.#deps.volumes
          .setUp(this.#pod)
          .catch((e: unknown) => this.#volumesFailed(e));
      this.#volumesAtMs = this.#deps.clock.monotonic();
      this.#kickAfter(REFRESH_MS);
    } else {
      this.#kickAfter(REFRESH_MS - ageMs);
    }
  }

  /** Of each container the newest two runs are kept: the one that counts and its predecessor's log. */
  async #forgetOldRuns(): Promise<void> {
    const runtime = this.#runtime;
    const kept = new Map<string, number>();
    for (const record of runtime?.containers ?? []) {
      const count = (kept.get(record.name) ?? 0) + 1;
      kept.set(record.name, count);
      if (count > 2 && record.state !== 'running') {
        await this.#deps.runtime.removeContainer(record.id).catch(() => undefined); // the next pass tries again
      }
    }
  }

  /** The pod has ended, or must: everything stops; dead containers stay for their logs. */
  async #end(runtime: PodRuntime): Promise<void> {
    this.#deps.prober.stopPod(this.uid);
    const isStopped = !isAlive(runtime);
    if (isStopped && isPodTerminal(this.#previous())) return;
    await this.#stopAll(runtime, this.#pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT);
    const after = await this.#deps.runtime.listPods(this.uid);
    await readLastWords(this.#deps, this.#pod, after, this.#lastWords);
    for (const sandbox of after.sandboxes)
      if (sandbox.isReady) await this.#deps.runtime.stopPodSandbox(sandbox.id);
    const sandboxes = after.sandboxes.map((sandbox) => ({ ...sandbox, isReady: false, ip: '' }));
    this.#runtime = { sandboxes, containers: after.containers };
    if (!isPodTerminal(this.#pod.status)) this.#tell(this.#runtime, true);
  }

  async #stopAll(runtime: PodRuntime, graceSeconds: number): Promise<void> {
    if (!runtime.containers.some(({ state }) => state === 'running')) return;
    this.#stop = stopContainers(this.#deps, this.#pod, runtime, graceSeconds);
    try {
      await this.#stop.done;
    } finally {
      this.#stop = undefined;
    }
  }

  /** Deleted: stop, tell how it ended, remove everything, and only then let it go from the API. */
  async #terminate(runtime: PodRuntime): Promise<void> {
    const { deps, uid } = { deps: this.#deps, uid: this.uid };
    const pod = this.#pod;
    deps.prober.stopPod(uid);
    const grace = pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
    await this.#stopAll(runtime, this.#isInApi ? (grace ?? GRACE_SECONDS_DEFAULT) : Math.max(1, grace ?? 1));
    const after = await deps.runtime.listPods(uid);
    const removal = Promise.all(after.containers.map(({ id }) => deps.runtime.removeContainer(id))).then(() =>
      Promise.all(after.sandboxes.map(({ id }) => deps.runtime.removePodSandbox(id))),
    );
    if (this.#isInApi) {
      await readLastWords(deps, pod, after, this.#lastWords);
      this.#waiting.clear();
      this.#tell({ sandboxes: [], containers: after.containers }, true);
    }
    await Promise.all([removal, deps.statuses.flush(uid)]);
    this.#runtime = noRuntime;
    await deps.volumes.tearDown(uid);
    if (this.#isInApi) await this.#deleteFromApi(); // WORKER-2
    this.#forget();
  }

  async #deleteFromApi(): Promise<void> {
    const { name, namespace } = this.#pod.metadata;
    try {
      await this.#deps.client.delete(
        Pod,
        { name, namespace },
        { gracePeriodSeconds: 0, preconditions: { uid: this.uid } },
      );
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error; // gone, or another pod by this name
    }
  }

  #forget(): void {
    const { backoff, images, statuses, tokens } = this.#deps;
    this.#isGone = true;
    this.#timer?.timer.cancel();
    backoff.forget(`${this.uid}/`);
    images.forget(this.uid);
    tokens.forget(this.uid);
    statuses.forget(this.uid);
    this.#onGone();
  }

  #retryAfter(what: string, delayMs: number): void {
    this.#notBeforeMs.set(what, this.#deps.clock.monotonic() + delayMs);
    this.#kickAfter(delayMs);
  }

  #isTooEarly(what: string): boolean {
    const leftMs = (this.#notBeforeMs.get(what) ?? 0) - this.#deps.clock.monotonic();
    if (leftMs <= 0) return false;
    this.#kickAfter(leftMs);
    return true;
  }

  /** Another pass after a while; the earliest wish counts. */
  #kickAfter(delayMs: number): void {
    if (this.#isGone) return;
    const atMs = this.#deps.clock.monotonic() + delayMs;
    if (this.#timer !== undefined) {
      if (this.#timer.atMs <= atMs) return;
      this.#timer.timer.cancel();
    }
    const timer = this.#deps.clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      this.kick();
    });
    this.#timer = { atMs, timer };
  }
}

function isAlive(runtime: PodRuntime): boolean {
  return (
    runtime.containers.some(({ state }) => state === 'running') ||
    runtime.sandboxes.some(({ isReady }) => isReady)
  );
}

function isFromApi(volume: NonNullable<PodObject['spec']['volumes']>[number]): boolean {
  return (
    volume.configMap !== undefined ||
    volume.secret !== undefined ||
    volume.projected !== undefined ||
    volume.downwardAPI !== undefined
  );
}
