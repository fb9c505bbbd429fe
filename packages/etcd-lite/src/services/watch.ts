import type { Timer } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { Event, WatchCreateRequest, WatchRequest, WatchResponse } from '@kubelab/rpc/etcd';
import type { Credentials } from '../auth/index.ts';
import { EtcdError } from '../core/errors.ts';
import { keyRange } from '../core/keys.ts';
import type { Watcher, WatchSink } from '../core/watch-hub.ts';
import type { Member } from '../shell/member.ts';
import { header } from './header.ts';
import { watchRefusal } from './watch-access.ts';

/** The client's end of a watch stream. */
export interface WatchOutput {
  /** False: wait for `drained`. */
  send(response: Init<WatchResponse>): boolean;
}

interface OpenWatch extends Watcher {
  readonly id: number;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
  hadEvents: boolean;
}

const NO_WATCH_ID = -1;
/** Requests of a stream that wait until it is known who asks; who sends more does not wait for answers. */
const WAITING_MAX = 1000;

/** Watches brought forward in one turn: 10 000 on a stream that comes back would keep all others waiting for 0.4 s. */
const CAUGHT_UP_AT_ONCE = 64;

/** One Watch stream with any number of watches on it. */
export class WatchSession implements WatchSink {
  readonly #member: Member;
  readonly #output: WatchOutput;
  readonly #progressIntervalMs: number;
  readonly #call: Credentials | undefined;
  /** Behind one of which it is still to be found out who asks. */
  readonly #waiting: WatchRequest[] = [];
  readonly #watches = new Map<number, OpenWatch>();
  readonly #behind = new Set<OpenWatch>();
  #nextId = 0;
  #isWritable = true;
  #isPumping = false;
  #isProgressDue = false;
  #isClosed = false;
  #progressTimer: Timer | undefined;

  constructor(member: Member, output: WatchOutput, progressIntervalMs: number, call?: Credentials) {
    this.#member = member;
    this.#output = output;
    this.#progressIntervalMs = progressIntervalMs;
    this.#call = call;
  }

  request(request: WatchRequest): void {
    if (!this.#member.auth.isEnabled && this.#waiting.length === 0) return this.#take(request);
    if (this.#waiting.length === WAITING_MAX) {
      if (request.createRequest !== null) this.#refuse(new EtcdError('tooManyRequests').message);
      return;
    }
    this.#waiting.push(request);
    if (this.#waiting.length === 1) void this.#takeInTurn();
  }

  async #takeInTurn(): Promise<void> {
    for (let [next] = this.#waiting; next !== undefined && !this.#isClosed; [next] = this.#waiting) {
      const { createRequest } = next;
      const refusal =
        createRequest === null ? undefined : await watchRefusal(this.#member.auth, createRequest, this.#call);
      if (!this.#isClosed) this.#take(next, refusal);
      this.#waiting.shift();
    }
  }

  #take(request: WatchRequest, refusal?: string): void {
    if (request.createRequest !== null) this.#create(request.createRequest, refusal);
    else if (request.cancelRequest !== null) this.#cancel(request.cancelRequest.watchId);
    else if (request.progressRequest !== null) {
      this.#isProgressDue = true;
      this.#progressIfSynced();
    }
  }

  /** The client has read on: there is room again. */
  drained(): void {
    this.#isWritable = true;
    this.#progressIfSynced();
    this.#pump();
  }

  close(): void {
    this.#isClosed = true;
    this.#progressTimer?.cancel();
    for (const watch of this.#watches.values()) this.#member.watches.remove(watch);
    this.#watches.clear();
    this.#behind.clear();
  }

  // ---- WatchSink ----

  isWritable(): boolean {
    return this.#isWritable;
  }

  behind(watcher: Watcher): void {
    this.#behind.add(watcher as OpenWatch);
    this.#pump();
  }

  events(watcher: Watcher, events: readonly Event[], revision: number): void {
    const watch = watcher as OpenWatch;
    watch.hadEvents = true;
    const pieces = watch.fragment ? piecesOf(events, this.#member.tuning.fragmentBytesMax) : [events];
    for (const [i, piece] of pieces.entries()) {
      const fragment = i < pieces.length - 1;
      this.#send({ header: header(this.#member, revision), watchId: watch.id, events: piece, fragment });
    }
  }

  compacted(watcher: Watcher, compactRevision: number): void {
    const watch = watcher as OpenWatch;
    this.#forget(watch);
    this.#send({ header: header(this.#member), watchId: watch.id, canceled: true, compactRevision });
  }

  // ---- requests ----

  #create(request: WatchCreateRequest, refusal: string | undefined): void {
    const key = request.key.length === 0 ? Uint8Array.of(0) : request.key;
    const range = keyRange(key, request.rangeEnd);
    if (request.startRevision < 0)
      return this.#refuse('etcdserver: mvcc: required revision has been compacted');
    if (refusal !== undefined) return this.#refuse(refusal);
    if (range.end !== undefined && range.start >= range.end)
      return this.#refuse('mvcc: watcher range is empty');
    if (request.watchId !== 0 && this.#watches.has(request.watchId)) {
      return this.#refuse('mvcc: duplicate watch ID provided on the WatchStream');
    }
    const { store } = this.#member.machine;
    const watch: OpenWatch = {
      id: request.watchId === 0 ? this.#freeId() : request.watchId,
      range,
      filters: [...request.filters],
      prevKv: request.prevKv,
      progressNotify: request.progressNotify,
      fragment: request.fragment,
      nextRevision: request.startRevision === 0 ? store.revision + 1 : Number(request.startRevision),
      hadEvents: false,
      sink: this,
    };
    this.#watches.set(watch.id, watch);
    // Before any event of it.
    this.#send({ header: header(this.#member), watchId: watch.id, created: true });
    this.#member.watches.add(watch);
    if (!this.#member.watches.isSynced(watch)) this.behind(watch);
    if (watch.progressNotify) this.#startProgressTimer();
  }

  #refuse(cancelReason: string): void {
    const refusal = { watchId: NO_WATCH_ID, created: true, canceled: true, cancelReason };
    this.#send({ header: header(this.#member), ...refusal });
  }

  #cancel(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    this.#forget(watch);
    this.#send({ header: header(this.#member), watchId: id, canceled: true });
    this.#progressIfSynced();
  }

  #forget(watch: OpenWatch): void {
    this.#member.watches.remove(watch);
    this.#watches.delete(watch.id);
    this.#behind.delete(watch);
  }

  #freeId(): number {
    while (this.#watches.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  // ---- delivery ----

  #send(response: Init<WatchResponse>): void {
    if (!this.#output.send(response)) this.#isWritable = false;
  }

  /** Brings watches that are behind forward, a piece of history at a time, each in its turn. */
  #pump(): void {
    if (this.#isPumping || this.#isClosed || this.#behind.size === 0) return;
    this.#isPumping = true;
    setImmediate(() => {
      this.#isPumping = false;
      let left = CAUGHT_UP_AT_ONCE;
      for (const watch of this.#behind) {
        if (this.#isClosed || !this.#isWritable || left-- === 0) break;
        this.#member.watches.catchUp(watch);
        // Who is not there yet goes to the end of the line.
        this.#behind.delete(watch);
        if (!this.#member.watches.isSynced(watch)) this.#behind.add(watch);
      }
      this.#progressIfSynced();
      if (this.#isWritable) this.#pump();
    });
  }

  /**
   * The answer to a progress request speaks for all watches of the stream: it waits until none is behind
   * (WATCH-4), and until there is room: whoever asks on and on, and reads nothing, has one answer waiting.
   */
  #progressIfSynced(): void {
    if (!this.#isProgressDue || !this.#isWritable || this.#behind.size > 0) return;
    this.#isProgressDue = false;
    this.#send({ header: header(this.#member), watchId: NO_WATCH_ID });
  }

  #startProgressTimer(): void {
    const { clock, random } = this.#member.options;
    const jitterMs = random.int(Math.max(1, Math.floor(this.#progressIntervalMs / 10)));
    this.#progressTimer ??= clock.setTimer(this.#progressIntervalMs + jitterMs, () => {
      this.#progressTimer = undefined;
      for (const watch of this.#watches.values()) {
        const isDue =
          watch.progressNotify && !watch.hadEvents && !this.#behind.has(watch) && this.#isWritable;
        if (isDue) this.#send({ header: header(this.#member), watchId: watch.id });
        watch.hadEvents = false;
      }
      this.#startProgressTimer();
    });
  }
}

function piecesOf(events: readonly Event[], bytesMax: number): Event[][] {
  const pieces: Event[][] = [[]];
  let bytes = 0;
  for (const event of events) {
    const size = 64 + event.kv.key.length + event.kv.value.length + (event.prevKv?.value.length ?? 0);
    if (bytes > 0 && bytes + size > bytesMax) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(event);
    bytes += size;
  }
  return pieces;
}
