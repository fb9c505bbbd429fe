import { isStatus, Pod } from '@kubelab/api';
import type { Logger } from '@kubelab/component-base';
import { admit } from '../core/admission.ts';
import { planPod } from '../core/plan-pod.ts';
import { isPodTerminal, noRuntime, type PodObject, type PodRuntime } from '../core/types.ts';
import { RuntimeError, type RuntimeEvent } from '../runtime/types.ts';
import { carryOut, GRACE_SECONDS_DEFAULT, volumesFailed } from './carry-out.ts';
import type { PodDeps } from './deps.ts';
import { PodView } from './pod-view.ts';
import { type StopInProgress, stopContainers } from './stop-pod.ts';
import { Waker } from './waker.ts';

/** Tokens and ConfigMaps in volumes are looked at again this often. */
const REFRESH_MS = 60_000;
/** Name, towards the waker, of a whole pass. */
const PASS = 'pass';
/** Of each container the newest runs are kept: the one that counts, and the one before it for its log. */
const RUNS_KEPT = 2;

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
  readonly #view: PodView;
  readonly #waker: Waker;
  readonly #onGone: () => void;
  #isInApi = true;
  #isAdmitted: boolean;
  #refreshedAtMs: number;
  #stop: StopInProgress | undefined;
  #isDirty = false;
  #isRunning = false;
  #isActing = false;
  #isGone = false;

  constructor(deps: PodDeps, pod: PodObject, runtime: PodRuntime, onGone: () => void) {
    this.#deps = deps;
    this.uid = pod.metadata.uid;
    this.#view = new PodView(deps, pod, runtime);
    this.#waker = new Waker(deps.clock, () => this.kick());
    // What already runs was let in by an earlier kubelet.
    this.#isAdmitted = runtime.containers.length > 0 || isPodTerminal(pod.status);
    this.#refreshedAtMs = deps.clock.monotonic();
    this.#onGone = onGone;
    this.#log = deps.log.child({ pod: pod.metadata.name, namespace: pod.metadata.namespace });
  }

  get pod(): PodObject {
    return this.#view.pod;
  }

  get podIp(): string {
    return this.#view.podIp;
  }

  /** Let in, and not ended: it counts against the node. */
  get usesResources(): boolean {
    return this.#isAdmitted && !this.#view.isTerminal;
  }

  get knownRuntime(): PodRuntime | undefined {
    return this.#view.runtime;
  }

  update(pod: PodObject): void {
    this.#view.pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      this.#view.end();
      this.#hurry(pod.metadata.deletionGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT);
    }
    this.kick();
  }

  /** What is being stopped already gets no more time than the deletion leaves. */
  #hurry(graceSeconds: number): void {
    if (this.#stop !== undefined && graceSeconds < this.#stop.graceSeconds) this.#stop.hurry(graceSeconds);
    for (const id of this.#view.killing) {
      this.#deps.runtime.stopContainer(id, graceSeconds).catch(() => undefined); // the first stop goes on
    }
  }

  /** The API no longer has it; `pod` is the last that was seen of it. */
  remove(pod: PodObject): void {
    this.#isInApi = false;
    this.#view.end();
    this.update(pod);
  }

  /** The kubelet ends: the pod goes on without it. */
  stop(): void {
    this.#isGone = true;
    this.#waker.stop();
    this.#deps.prober.stopPod(this.uid);
  }

  onEvent(event: RuntimeEvent): void {
    const { runtime } = this.#view;
    const record = runtime?.containers.find(({ id }) => id === event.id);
    const sandbox = runtime?.sandboxes.find(({ id }) => id === event.id);
    // Our own starts and removals come back as events: they are no news.
    const isRunning = record?.state === 'running' || sandbox?.isReady === true;
    if (event.type === 'started' && (this.#isActing || isRunning)) return;
    if (event.type === 'died' && record?.state === 'exited') return;
    if (event.type === 'removed' && record === undefined && sandbox === undefined) return;
    this.invalidate();
  }

  /** What is known of the runtime may be old: ask again. */
  invalidate(): void {
    this.#view.runtime = undefined;
    this.kick();
  }

  kick(): void {
    if (this.#isGone) return;
    this.#isDirty = true;
    if (this.#isRunning) return; // WORKER-1
    this.#isRunning = true;
    // What becomes known in this turn of the event loop goes into one pass.
    queueMicrotask(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#isDirty && !this.#isGone) {
      this.#isDirty = false;
      try {
        await this.#pass();
        this.#waker.succeeded(PASS);
      } catch (error) {
        this.#view.runtime = undefined;
        this.#isDirty = false;
        if (error instanceof RuntimeError && error.reason === 'down') break; // the engine's return kicks
        this.#log.warn('pod pass failed', { err: error });
        this.#waker.failed(PASS);
      }
    }
    this.#isRunning = false;
  }

  async #pass(): Promise<void> {
    const view = this.#view;
    const { prober } = this.#deps;
    const runtime = await view.look();
    const { pod } = view;
    if (!this.#isInApi || pod.metadata.deletionTimestamp !== undefined) return this.#terminate(runtime);
    if (view.isTerminal) return this.#end(runtime);
    this.#checkDeadline();
    if (!this.#isAdmitted && view.failure === undefined) this.#admit();
    if (view.failure !== undefined) return this.#end(runtime);
    prober.sync(pod, runtime, (record) => view.wasReady(record));
    const plan = planPod({ pod, runtime, probes: prober, previous: view.previous() });
    if (plan.isFinished) return this.#end(runtime);
    const hasWork = plan.newSandbox !== undefined || plan.start.length > 0 || plan.kill.length > 0;
    // Early, beside the work: that the pod is here, what it waits for, and how what is cleared away had ended.
    if (!view.wasTold || !hasWork || plan.newSandbox !== undefined) view.tell(runtime);
    if (hasWork)
      await this.#act(() => carryOut({ deps: this.#deps, view, waker: this.#waker }, plan, runtime));
    await this.#refreshVolumes();
    await this.#forgetOldRuns();
  }

  async #act(work: () => Promise<boolean>): Promise<void> {
    this.#isActing = true;
    try {
      if (await work()) this.#isDirty = true;
    } finally {
      this.#isActing = false;
    }
  }

  #admit(): void {
    const { admitted, event, facts, node } = this.#deps;
    const self = node();
    const others = admitted().filter((other) => other.metadata.uid !== this.uid);
    const refusal = self === undefined ? undefined : admit(this.pod, self, others, facts.allocatable);
    this.#isAdmitted = refusal === undefined;
    this.#view.failure = refusal;
    if (refusal !== undefined) event(this.pod, 'Warning', refusal.reason, refusal.message);
  }

  #checkDeadline(): void {
    const { activeDeadlineSeconds } = this.pod.spec;
    const start = Date.parse(this.#view.previous()?.startTime ?? '');
    if (activeDeadlineSeconds === undefined || Number.isNaN(start)) return;
    const leftMs = start + activeDeadlineSeconds * 1000 - this.#deps.clock.now();
    if (leftMs > 0) {
      this.#waker.after(leftMs);
      return;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#view.failure = { reason: 'DeadlineExceeded', message };
    this.#deps.event(this.pod, 'Normal', 'DeadlineExceeded', message);
  }

  /** Keeps what came from the API up to date in the volumes of a running pod. */
  async #refreshVolumes(): Promise<void> {
    const { clock, volumes } = this.#deps;
    if (!(this.pod.spec.volumes ?? []).some(isFromApi)) return;
    const leftMs = this.#refreshedAtMs + REFRESH_MS - clock.monotonic();
    if (leftMs > 0) {
      this.#waker.after(leftMs);
      return;
    }
    this.#refreshedAtMs = clock.monotonic();
    this.#waker.after(REFRESH_MS);
    const worker = { deps: this.#deps, view: this.#view, waker: this.#waker };
    await volumes.setUp(this.pod).catch((error: unknown) => volumesFailed(worker, error));
  }

  async #forgetOldRuns(): Promise<void> {
    const counts = new Map<string, number>();
    for (const { id, name, state } of this.#view.runtime?.containers ?? []) {
      const count = (counts.get(name) ?? 0) + 1;
      counts.set(name, count);
      if (count > RUNS_KEPT && state !== 'running') await this.#deps.runtime.removeContainer(id);
    }
  }

  /** The pod has ended, or must: everything stops; dead containers stay for their logs. */
  async #end(runtime: PodRuntime): Promise<void> {
    const { prober, runtime: engine } = this.#deps;
    prober.stopPod(this.uid);
    if (!isAlive(runtime) && this.#view.isTerminal) return;
    await this.#stopAll(runtime, this.pod.spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT);
    const after = await this.#view.lookAgain();
    for (const { id, isReady } of after.sandboxes) if (isReady) await engine.stopPodSandbox(id);
    const sandboxes = after.sandboxes.map((sandbox) => ({ ...sandbox, isReady: false, ip: '' }));
    this.#view.runtime = { sandboxes, containers: after.containers };
    if (!isPodTerminal(this.pod.status)) this.#view.tell(this.#view.runtime, true);
  }

  async #stopAll(runtime: PodRuntime, graceSeconds: number): Promise<void> {
    if (!runtime.containers.some(({ state }) => state === 'running')) return;
    this.#stop = stopContainers(this.#deps, this.pod, runtime, graceSeconds);
    try {
      await this.#stop.done;
    } finally {
      this.#stop = undefined;
    }
  }

  /** Deleted: stop, tell how it ended, remove everything, and only then let it go from the API. */
  async #terminate(runtime: PodRuntime): Promise<void> {
    const { prober, runtime: engine, statuses, volumes } = this.#deps;
    const { metadata, spec } = this.pod;
    prober.stopPod(this.uid);
    const grace =
      metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? GRACE_SECONDS_DEFAULT;
    // What the API has let go of already gets upstream's least: a second.
    await this.#stopAll(runtime, this.#isInApi ? grace : Math.max(1, grace));
    const after = await this.#view.lookAgain();
    const removal = Promise.all(after.containers.map(({ id }) => engine.removeContainer(id))).then(() =>
      Promise.all(after.sandboxes.map(({ id }) => engine.removePodSandbox(id))),
    );
    if (this.#isInApi) {
      this.#view.waiting.clear();
      this.#view.tell({ sandboxes: [], containers: after.containers }, true);
    }
    await Promise.all([removal, statuses.flush(this.uid)]);
    this.#view.runtime = noRuntime;
    await volumes.tearDown(this.uid);
    if (this.#isInApi) await this.#deleteFromApi(); // WORKER-2
    this.#forget();
  }

  async #deleteFromApi(): Promise<void> {
    const { name, namespace } = this.pod.metadata;
    const preconditions = { uid: this.uid };
    try {
      await this.#deps.client.delete(Pod, { name, namespace }, { gracePeriodSeconds: 0, preconditions });
    } catch (error) {
      if (!isStatus(error, 'NotFound', 'Conflict')) throw error; // gone, or another pod by this name
    }
  }

  #forget(): void {
    const { backoff, images, statuses, tokens } = this.#deps;
    this.#isGone = true;
    this.#waker.stop();
    backoff.forget(`${this.uid}/`);
    images.forget(this.uid);
    tokens.forget(this.uid);
    statuses.forget(this.uid);
    this.#onGone();
  }
}

function isAlive({ containers, sandboxes }: PodRuntime): boolean {
  return containers.some(({ state }) => state === 'running') || sandboxes.some(({ isReady }) => isReady);
}

function isFromApi(volume: NonNullable<PodObject['spec']['volumes']>[number]): boolean {
  const { configMap, secret, projected, downwardAPI } = volume;
  return [configMap, secret, projected, downwardAPI].some((source) => source !== undefined);
}
