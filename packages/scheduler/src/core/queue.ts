/**
 * SchedulingQueue — every pod that waits for a node, in one of four places:
 *   active         to be tried now, by priority, then in order of arrival
 *   backoff        failed lately and may fit by now: after its pause, or as soon as nothing else is to be
 *   done
 *   unschedulable  failed, and nothing has happened since that could help; waits for an event that one of the
 *   rules it failed on names
 *   gated          spec.schedulingGates is not empty: waits for its own update
 * Takes the time as an argument and sets no timers; `nextDueMs` says when to look again.
 * Invariants
 *   SCHQ-1  a pod is in one place only
 *   SCHQ-2  an event moves exactly those unschedulable pods that were rejected by a rule that names it
 *   SCHQ-3  a pod never starves: after five minutes it is tried again without an event
 */
import { assert } from '@kubelab/component-base';
import type { ClusterEvent } from './framework.ts';
import { type AnyPod, type PodInfo, podInfoOf } from './pod-info.ts';

export interface QueuedPod {
  info: PodInfo;
  attemptCount: number;
  /** End of its pause, monotonic ms. */
  backoffUntilMs: number;
  /** The pause must be kept: something went wrong, rather than that nothing fitted. */
  isError: boolean;
  rejectedBy: ReadonlySet<string>;
  unschedulableSinceMs: number;
}

type Place = 'active' | 'backoff' | 'unschedulable' | 'gated';

export interface QueueOptions {
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** Plugin name → events it names. */
  readonly wakesOn: (plugin: string) => readonly ClusterEvent[];
}

const UNSCHEDULABLE_MAX_MS = 5 * 60_000;

export class SchedulingQueue {
  readonly #options: QueueOptions;
  readonly #placeOf = new Map<string, Place>();
  /** Priority → pods in order of arrival. */
  readonly #active = new Map<number, Map<string, QueuedPod>>();
  readonly #backoff = new Map<string, QueuedPod>();
  readonly #unschedulable = new Map<string, QueuedPod>();
  readonly #gated = new Map<string, QueuedPod>();

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#placeOf.size;
  }
  placeOf(key: string): Place | undefined {
    return this.#placeOf.get(key);
  }

  /** A pod without a node that the watch shows for the first time. */
  add(pod: AnyPod): void {
    const info = podInfoOf(pod);
    this.delete(info.key);
    const queued = {
      info,
      attemptCount: 0,
      backoffUntilMs: 0,
      isError: false,
      rejectedBy: NONE,
      unschedulableSinceMs: 0,
    };
    this.#put(isGated(pod) ? 'gated' : 'active', queued);
  }

  /** The pod changed. `mayFitNow`: in a way that may let it fit (not merely its status). */
  update(pod: AnyPod, mayFitNow: boolean, nowMs: number): void {
    const info = podInfoOf(pod);
    const place = this.#placeOf.get(info.key);
    const queued = this.#find(info.key, place);
    if (place === undefined || queued === undefined) return this.add(pod);
    if (queued.info.priority !== info.priority) {
      // Filed by priority: taken out under the old one.
      this.delete(info.key);
      queued.info = info;
      this.#put(place, queued);
    }
    queued.info = info;
    if (place === 'gated' && !isGated(pod)) this.#move(queued, 'active');
    else if (place === 'unschedulable' && mayFitNow) this.#wake(queued, nowMs);
  }

  /** The next pod to try. It is in no place until it is put back by `fail`. */
  pop(nowMs: number): QueuedPod | undefined {
    this.#flush(nowMs);
    const priority = Math.max(...this.#active.keys());
    let next = this.#active.get(priority)?.values().next().value;
    // With nothing else to do there is no reason to make a pod that may fit wait.
    next ??= this.#backoff.values().find(({ isError }) => !isError);
    if (next === undefined) return undefined;
    this.delete(next.info.key);
    next.attemptCount++;
    return next;
  }

  /** No node fitted: waits for an event. */
  reject(queued: QueuedPod, rejectedBy: ReadonlySet<string>, nowMs: number): void {
    this.#startBackoff(queued, nowMs);
    queued.isError = false;
    queued.rejectedBy = rejectedBy;
    queued.unschedulableSinceMs = nowMs;
    this.#put('unschedulable', queued);
  }

  /** Something else went wrong: again after the pause. */
  retry(queued: QueuedPod, nowMs: number): void {
    this.#startBackoff(queued, nowMs);
    queued.isError = true;
    this.#put('backoff', queued);
  }

  /** Moves what the event may help. Gives the number of pods moved. */
  moveOn(event: ClusterEvent, nowMs: number): number {
    let count = 0;
    const { wakesOn } = this.#options;
    for (const queued of this.#unschedulable.values()) {
      const { rejectedBy } = queued;
      const mayHelp =
        rejectedBy.size === 0 || rejectedBy.values().some((plugin) => wakesOn(plugin).includes(event));
      if (!mayHelp) continue; // SCHQ-2
      this.#wake(queued, nowMs);
      count++;
    }
    return count;
  }

  /** When a pause or the five minutes of a pod are over next; undefined when nothing waits for time. */
  nextDueMs(): number | undefined {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const { backoffUntilMs } of this.#backoff.values()) dueMs = Math.min(dueMs, backoffUntilMs);
    // In order of arrival: the first is the oldest.
    const oldest = this.#unschedulable.values().next().value;
    if (oldest !== undefined) dueMs = Math.min(dueMs, oldest.unschedulableSinceMs + UNSCHEDULABLE_MAX_MS);
    return Number.isFinite(dueMs) ? dueMs : undefined;
  }

  #flush(nowMs: number): void {
    for (const queued of this.#backoff.values()) {
      if (queued.backoffUntilMs <= nowMs) this.#move(queued, 'active');
    }
    for (const queued of this.#unschedulable.values()) {
      if (queued.unschedulableSinceMs + UNSCHEDULABLE_MAX_MS > nowMs) break;
      this.#wake(queued, nowMs); // SCHQ-3
    }
  }

  #wake(queued: QueuedPod, nowMs: number): void {
    this.#move(queued, queued.backoffUntilMs > nowMs ? 'backoff' : 'active');
  }

  #move(queued: QueuedPod, to: Place): void {
    this.delete(queued.info.key);
    this.#put(to, queued);
  }

  #startBackoff(queued: QueuedPod, nowMs: number): void {
    const { backoffFirstMs, backoffMaxMs } = this.#options;
    queued.backoffUntilMs = nowMs + Math.min(backoffFirstMs * 2 ** (queued.attemptCount - 1), backoffMaxMs);
  }

  #put(place: Place, queued: QueuedPod): void {
    const { key, priority } = queued.info;
    assert(!this.#placeOf.has(key), 'SCHQ-1', key);
    this.#placeOf.set(key, place);
    this.#holderOf(place, priority).set(key, queued);
  }

  delete(key: string): void {
    const place = this.#placeOf.get(key);
    const queued = this.#find(key, place);
    if (place === undefined || queued === undefined) return;
    this.#placeOf.delete(key);
    const { priority } = queued.info;
    const holder = this.#holderOf(place, priority);
    assert(holder.delete(key), 'SCHQ-1', key);
    if (place === 'active' && holder.size === 0) this.#active.delete(priority);
  }

  #find(key: string, place: Place | undefined): QueuedPod | undefined {
    if (place === undefined) return undefined;
    if (place !== 'active') return this.#holderOf(place, 0).get(key);
    for (const peers of this.#active.values()) {
      const queued = peers.get(key);
      if (queued !== undefined) return queued;
    }
    return undefined;
  }

  #holderOf(place: Place, priority: number): Map<string, QueuedPod> {
    if (place === 'backoff') return this.#backoff;
    if (place === 'unschedulable') return this.#unschedulable;
    if (place === 'gated') return this.#gated;
    let peers = this.#active.get(priority);
    if (peers === undefined) this.#active.set(priority, (peers = new Map()));
    return peers;
  }
}

const NONE: ReadonlySet<string> = new Set();

function isGated(pod: AnyPod): boolean {
  return (pod.spec.schedulingGates ?? []).length > 0;
}
