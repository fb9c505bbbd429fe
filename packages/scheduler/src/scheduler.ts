/**
 * The scheduler: takes the most important waiting pod, chooses a node for it, holds the place, binds. The
 * choice runs without a pause; bindings run beside it.
 * Reads: pods, nodes and what the rules name (caches).  Writes: pods/binding, pods/status (PodScheduled,
 * nominatedNodeName), events.
 * Invariants
 *   SCHED-1  what is assumed on a node fits it: checked again at the moment of assuming (K5: never
 *            over-committed)
 *   SCHED-3  a place is held until the binding is seen or known to have failed
 *   SCHED-4  only pods whose schedulerName is one of ours are touched
 */
import { getCondition, isTerminating, Pod, setCondition } from '@kubelab/api';
import type { EventRecorder, InformerFactory, KubeClient, Lister } from '@kubelab/client';
import {
  assert,
  type Clock,
  errorMessage,
  type Logger,
  type Random,
  rfc3339,
  type Timer,
} from '@kubelab/component-base';
import { SchedulerCache } from './core/cache.ts';
import { fitMessage } from './core/fit-message.ts';
import type { BindPlugin, ClusterObjects, PreBindPlugin, Profile } from './core/framework.ts';
import { Nominator } from './core/nominations.ts';
import type { AnyPod, PodInfo } from './core/pod-info.ts';
import { planPreemption } from './core/preemption.ts';
import { type QueuedPod, SchedulingQueue } from './core/queue.ts';
import { type Diagnosis, selectNode } from './core/select-node.ts';
import { insufficient } from './filters/node-resources-fit.ts';
import { DEFAULT_SCHEDULER_NAME } from './profile.ts';
import { defaultBinder, volumePreBind } from './shell/bind.ts';
import { clusterObjects } from './shell/cluster-objects.ts';
import { watchCluster } from './shell/events.ts';
import { evictVictims } from './shell/preempt.ts';

export interface SchedulerDeps {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface SchedulerOptions {
  readonly profiles: readonly Profile[];
  readonly backoffFirstMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
  readonly binder?: BindPlugin;
}

const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 10_000;

export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #cache = new SchedulerCache();
  readonly #queue: SchedulingQueue;
  readonly #nominator = new Nominator();
  readonly #objects: ClusterObjects;
  readonly #pods: Lister<Pod>;
  readonly #preBinds: readonly PreBindPlugin[];
  readonly #binder: BindPlugin;
  #wakeUp: (() => void) | undefined;

  /** Hooks itself to the informers: make it before they start. Nothing is scheduled before `run`. */
  constructor(deps: SchedulerDeps, options: SchedulerOptions) {
    const { client, informers, clock } = deps;
    this.#deps = deps;
    this.#profiles = new Map(options.profiles.map((profile) => [profile.schedulerName, profile]));
    const wakes = new Map(
      options.profiles.flatMap(({ filters }) => filters.map(({ name, wakesOn }) => [name, wakesOn])),
    );
    this.#queue = new SchedulingQueue({
      backoffFirstMs: options.backoffFirstMs ?? BACKOFF_FIRST_MS,
      backoffMaxMs: options.backoffMaxMs ?? BACKOFF_MAX_MS,
      wakesOn: (plugin) => wakes.get(plugin) ?? [],
    });
    this.#objects = clusterObjects(informers);
    this.#preBinds = [volumePreBind(client, this.#objects, clock)];
    this.#binder = options.binder ?? defaultBinder(client);
    this.#pods = watchCluster(informers, {
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      isOurs: (name) => this.#profiles.has(name || DEFAULT_SCHEDULER_NAME),
      nowMs: () => clock.monotonic(),
      wake: () => this.#wakeUp?.(),
    });
  }

  /** Until `signal` is aborted. The caches must be filled. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const queued = this.#queue.pop(this.#deps.clock.monotonic());
      if (queued === undefined) {
        await this.#untilWoken(signal);
        continue;
      }
      this.#scheduleOne(queued, signal);
      // Let watch events and answers in between two pods.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #scheduleOne(queued: QueuedPod, signal: AbortSignal): void {
    const { info } = queued;
    const profile = this.#profiles.get(info.pod.spec.schedulerName || DEFAULT_SCHEDULER_NAME);
    assert(profile !== undefined, 'SCHED-4', info.key);
    if (isTerminating(info.pod)) return;
    const cluster = { nodes: this.#cache.nodes(), objects: this.#objects };
    const nominations = this.#nominator.all();
    const selection = selectNode(info, profile, { cluster, nominations, random: this.#deps.random });
    if (selection.node === undefined) {
      this.#fail(queued, profile, selection.diagnosis);
      return;
    }
    const { node } = selection;
    assert(
      !hasFit(profile) || insufficient(info, node).length === 0,
      'SCHED-1',
      `${info.key} on ${node.name}`,
    );
    this.#cache.assume(info, node.name);
    this.#nominator.drop(info.key);
    void this.#bind(queued, node.name, signal);
  }

  async #bind(queued: QueuedPod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { events, log, clock } = this.#deps;
    const { pod, key } = queued.info;
    try {
      for (const plugin of this.#preBinds) await plugin.preBind(pod, nodeName, signal);
      await this.#binder.bind(pod, nodeName);
      events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${nodeName}`);
      log.info('bound', { key, node: nodeName, attempts: queued.attemptCount });
    } catch (error) {
      if (signal.aborted) return;
      log.warn('binding failed', { key, node: nodeName, err: errorMessage(error) });
      this.#cache.forget(key, pod.metadata.uid);
      this.#queue.moveOn('AssignedPodDelete', clock.monotonic());
      this.#retry(queued, `binding rejected: ${errorMessage(error)}`);
    }
  }

  /** Only if it is still the same pod and still without a node: the watch may have told better meanwhile. */
  #retry(queued: QueuedPod, message: string): void {
    const { pod, key } = queued.info;
    const now = this.#pods.get(key);
    const isWaiting = now?.metadata.uid === pod.metadata.uid && (now.spec.nodeName ?? '') === '';
    if (isWaiting && !this.#cache.hasPod(key) && this.#queue.placeOf(key) === undefined) {
      this.#queue.retry(queued, this.#deps.clock.monotonic());
      this.#report(pod, { reason: 'SchedulerError', message });
    }
    this.#wakeUp?.();
  }

  #fail(queued: QueuedPod, profile: Profile, diagnosis: Diagnosis): void {
    const { info } = queued;
    const rejectedBy = new Set([...diagnosis.verdicts.values()].map(({ plugin }) => plugin));
    if (diagnosis.preFilter !== undefined) rejectedBy.add(diagnosis.preFilter.plugin);
    this.#queue.reject(queued, rejectedBy, this.#deps.clock.monotonic());

    const preemption =
      profile.canPreempt && diagnosis.nodeCount > 0 ? this.#preempt(info, profile, diagnosis) : undefined;
    const message = fitMessage(diagnosis, preemption?.message);
    this.#report(info.pod, { reason: 'Unschedulable', message, nominatedNodeName: preemption?.nodeName });
  }

  #preempt(
    info: PodInfo,
    profile: Profile,
    diagnosis: Diagnosis,
  ): { readonly nodeName?: string | undefined; readonly message?: string } {
    const { log } = this.#deps;
    const cluster = { nodes: this.#cache.nodes(), objects: this.#objects };
    const plan = planPreemption(info, { profile, cluster, nominations: this.#nominator.all(), diagnosis });
    if (plan.nodeName === undefined) return plan;
    const { nodeName, victims } = plan;
    log.info('preempting', { key: info.key, node: nodeName, victims: victims.map(({ key }) => key) });
    this.#nominator.nominate(info, nodeName);
    evictVictims(info.pod, plan, this.#deps).catch((error: unknown) => {
      log.warn('preemption failed', { key: info.key, err: errorMessage(error) });
      this.#nominator.drop(info.key);
    });
    return { nodeName };
  }

  /**
   * Event and condition; the condition only when it says something new, so that our own write wakes nobody.
   */
  #report(
    pod: AnyPod,
    why: { reason: string; message: string; nominatedNodeName?: string | undefined },
  ): void {
    const { client, events, clock, log } = this.#deps;
    const { reason, message, nominatedNodeName } = why;
    events.event(pod, 'Warning', 'FailedScheduling', message);
    const old = getCondition(pod.status?.conditions, 'PodScheduled');
    const isKnown = old?.status === 'False' && old.reason === reason && old.message === message;
    const isNominated =
      nominatedNodeName === undefined || pod.status?.nominatedNodeName === nominatedNodeName;
    if (isKnown && isNominated) return;
    const condition = { type: 'PodScheduled', status: 'False', reason, message };
    const conditions = setCondition(old === undefined ? [] : [old], condition, rfc3339(clock.now()));
    const { name, namespace, uid } = pod.metadata;
    const status = nominatedNodeName === undefined ? { conditions } : { conditions, nominatedNodeName };
    client
      .patch(Pod, { name, namespace }, { metadata: { uid }, status }, { subresource: 'status' })
      .catch((error: unknown) =>
        log.info('pod condition not written', { key: `${namespace}/${name}`, err: errorMessage(error) }),
      );
  }

  #untilWoken(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const wake = () => {
        timer?.cancel();
        signal.removeEventListener('abort', wake);
        this.#wakeUp = undefined;
        resolve();
      };
      const dueMs = this.#queue.nextDueMs();
      if (dueMs !== undefined) timer = clock.setTimer(Math.max(0, dueMs - clock.monotonic()), wake);
      signal.addEventListener('abort', wake, { once: true });
      this.#wakeUp = wake;
    });
  }
}

/** A profile may leave the rule out, and then means it. */
function hasFit(profile: Profile): boolean {
  return profile.filters.some(({ name }) => name === 'NodeResourcesFit');
}
