/**
 * What becomes of an event: a new object, a higher count on the last one, or silence. Pure; upstream's
 * EventCorrelator in one file.
 * Invariants
 *   EVT-1  the same event again (all but the time) counts up one object
 *   EVT-2  more than SIMILAR_MAX events of one object and reason with ever new messages within the interval
 *          become one "combined" event
 *   EVT-3  one object may raise BURST_MAX events, then one each REFILL_MS
 *   EVT-4  what is remembered is limited; the longest unused is forgotten first
 */
export interface EventInput {
  readonly about: InvolvedObject;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly nowMs: number;
}

export interface InvolvedObject {
  readonly apiVersion: string | undefined;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
}

export type Verdict =
  | { readonly action: 'create'; readonly key: string; readonly message: string }
  | { readonly action: 'count'; readonly key: string; readonly message: string; readonly series: EventSeries }
  | { readonly action: 'drop' };

/** One event object on the server. */
export interface EventSeries {
  readonly name: string;
  readonly namespace: string;
  readonly count: number;
}

const SIMILAR_MAX = 10;
const SIMILAR_INTERVAL_MS = 10 * 60_000;
const BURST_MAX = 25;
const REFILL_MS = 5 * 60_000;
const REMEMBERED_MAX = 1024;

export class EventCorrelator {
  readonly #series = new LruMap<EventSeries>(REMEMBERED_MAX);
  readonly #similar = new LruMap<{ messages: Set<string>; lastMs: number }>(REMEMBERED_MAX);
  readonly #buckets = new LruMap<{ tokens: number; atMs: number }>(REMEMBERED_MAX);

  judge(event: EventInput): Verdict {
    const { about, type, reason } = event;
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('|');
    if (!this.#mayRaise(object, event.nowMs)) return { action: 'drop' };
    const similar = this.#similarTo([object, type, reason].join('|'), event);
    const isCombined = similar > SIMILAR_MAX;
    const message = isCombined ? `(combined from similar events): ${event.message}` : event.message;
    const key = [object, type, reason, isCombined ? '' : message].join('|');
    const series = this.#series.get(key);
    if (series === undefined) return { action: 'create', key, message };
    return { action: 'count', key, message, series };
  }

  /** The server holds this object now. */
  remember(key: string, series: EventSeries): void {
    this.#series.set(key, series);
  }
  forget(key: string): void {
    this.#series.delete(key);
  }

  #mayRaise(object: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(object) ?? { tokens: BURST_MAX, atMs: nowMs };
    const tokens = Math.min(BURST_MAX, bucket.tokens + (nowMs - bucket.atMs) / REFILL_MS);
    const may = tokens >= 1;
    this.#buckets.set(object, { tokens: may ? tokens - 1 : tokens, atMs: nowMs });
    return may;
  }

  /** How many different messages came lately. */
  #similarTo(key: string, event: EventInput): number {
    const known = this.#similar.get(key);
    const isRecent = known !== undefined && event.nowMs - known.lastMs <= SIMILAR_INTERVAL_MS;
    const messages = isRecent ? known.messages : new Set<string>();
    if (messages.size <= SIMILAR_MAX) messages.add(event.message);
    this.#similar.set(key, { messages, lastMs: event.nowMs });
    return messages.size;
  }
}

/** A Map keeps insertion order: the first key is the longest unused. */
class LruMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #sizeMax: number;
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }
  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#sizeMax) return;
    const oldest = this.#entries.keys().next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }
  delete(key: string): void {
    this.#entries.delete(key);
  }
}
