import { type Clock, sleepOn, type Timer } from '@kubelab/component-base';

/** One run of a process: from its start to its crash. What belongs to a life ends with it. */
export interface Life {
  readonly node: string;
  isAlive: boolean;
  /** Until then the process is stopped: what falls due waits. */
  pausedUntilMs: number;
}

export interface Happening {
  /** A word for the trace: `tick`, `deliver`, `sync`, … */
  readonly event: string;
  readonly note: string;
  readonly node: string;
}

interface Scheduled extends Omit<Happening, 'node'> {
  readonly order: number;
  dueMs: number;
  /** Whose code runs, found out when it is due; undefined: nobody's, the event is the world's own. */
  readonly owner: (() => Life | undefined) | undefined;
  readonly fn: () => void;
}

/** The real one: what runs between two events is only what promises have made ready. */
const { setImmediate: realSetImmediate } = globalThis;

/**
 * The world's one queue: everything that happens, happens here, in order of due time, then of scheduling.
 * Between two events all promises settle, so that the order of everything follows from the seed.
 */
export class Timeline {
  #nowMs = 0;
  #order = 0;
  /** The next one last. */
  readonly #queue: Scheduled[] = [];
  /** Whose code is running. */
  current: Life | undefined;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** `owner`: a life, and the event is dropped when that has ended. */
  at(
    delayMs: number,
    owner: Life | (() => Life | undefined) | undefined,
    { event, note = '' }: { readonly event: string; readonly note?: string },
    fn: () => void,
  ): Timer {
    const find = owner === undefined || typeof owner === 'function' ? owner : () => owner;
    const scheduled = {
      order: this.#order++,
      dueMs: this.#nowMs + Math.max(0, delayMs),
      owner: find,
      event,
      note,
      fn,
    };
    this.#insert(scheduled);
    return {
      cancel: () => {
        const at = this.#queue.indexOf(scheduled);
        if (at >= 0) this.#queue.splice(at, 1);
      },
    };
  }

  /** Lets the next thing happen; undefined: it was meant for somebody who is no more (or nothing is left). */
  async next(): Promise<Happening | undefined> {
    const scheduled = this.#queue.pop();
    if (scheduled === undefined) return undefined;
    this.#nowMs = Math.max(this.#nowMs, scheduled.dueMs);
    const life = scheduled.owner?.();
    if (scheduled.owner !== undefined && life?.isAlive !== true) return undefined;
    if (life !== undefined && life.pausedUntilMs > this.#nowMs) {
      scheduled.dueMs = life.pausedUntilMs;
      this.#insert(scheduled);
      return undefined;
    }
    this.current = life;
    scheduled.fn();
    await new Promise<void>((resolve) => void realSetImmediate(resolve));
    this.current = undefined;
    return { event: scheduled.event, note: scheduled.note, node: life?.node ?? '' };
  }

  /** Time as a process sees it. `skewMs` is how wrong its wall clock is. */
  clockOf(life: Life, skewMs: number): Clock {
    const setTimer: Clock['setTimer'] = (delayMs, fn) => this.at(delayMs, life, { event: 'timer' }, fn);
    return {
      now: () => Math.floor(EPOCH_MS + skewMs + this.#nowMs),
      monotonic: () => this.#nowMs,
      setTimer,
      sleep: (delayMs, signal) => sleepOn({ setTimer }, delayMs, signal),
    };
  }

  #insert(scheduled: Scheduled): void {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isLater(this.#queue[middle], scheduled)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, scheduled);
  }
}

const EPOCH_MS = Date.UTC(2026, 0, 1);

function isLater(a: Scheduled | undefined, b: Scheduled): boolean {
  if (a === undefined) return false;
  return a.dueMs > b.dueMs || (a.dueMs === b.dueMs && a.order > b.order);
}
