/**
 * Upstream's flow-control back-off: the first failure is free, then 10 s, doubled up to 5 min, and forgotten when the
 * thing went well for twice the maximum. Pure: time comes in, nothing is read.
 */
export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

export const CONTAINER_BACKOFF: BackoffLimits = { initialMs: 10_000, maxMs: 300_000 };

interface Entry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

export class Backoff {
  readonly #limits: BackoffLimits;
  readonly #entries = new Map<string, Entry>();

  constructor(limits: BackoffLimits = CONTAINER_BACKOFF) {
    this.#limits = limits;
  }

  /** How long `key` still waits after what happened at `eventMs`; 0 when it may go on. */
  remainingMs(key: string, eventMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isStale(entry, eventMs)) return 0;
    return Math.max(0, eventMs + entry.delayMs - nowMs);
  }

  /** The current delay, for messages. */
  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Another try begins: the next failure waits longer. */
  next(key: string, eventMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const fresh = entry === undefined || this.#isStale(entry, eventMs);
    const delayMs = fresh ? this.#limits.initialMs : Math.min(entry.delayMs * 2, this.#limits.maxMs);
    this.#entries.set(key, { delayMs, updatedMs: nowMs });
  }

  /** Forgets every key that begins with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #isStale(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.updatedMs > this.#limits.maxMs * 2;
  }
}

/** As Go prints durations: `10s`, `1m20s`, `5m0s`. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
}
