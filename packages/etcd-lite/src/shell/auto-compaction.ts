import type { Clock, Logger, Timer } from '@kubelab/component-base';
import { EtcdError } from '../core/errors.ts';
import { type AutoCompaction as Setting, autoCompactionOf, type EtcdFlags } from '../flags/check.ts';
import type { Member } from './member.ts';

export interface AutoCompactionOptions {
  readonly setting: Setting;
  readonly clock: Clock;
  readonly log: Logger;
  readonly isLeader: () => boolean;
  /** The store's. */
  readonly revision: () => number;
  /** Resolves when it is done; rejects with etcd's error. */
  readonly compact: (revision: number) => Promise<unknown>;
}

/** As the flags want it; the function it returns ends it. */
export function startAutoCompaction(member: Member, flags: EtcdFlags): () => void {
  const setting = autoCompactionOf(flags);
  if (setting === undefined) return () => undefined;
  const { clock, log } = member.options;
  const compaction = new AutoCompaction({
    setting,
    clock,
    log,
    isLeader: () => member.leadership.isLeader,
    revision: () => member.machine.store.revision,
    compact: (revision) => member.propose({ compaction: { revision, physical: false } }),
  });
  return () => compaction.stop();
}

const HOUR_MS = 3_600_000;
/** Revisions are noted, and failures tried again, this often within the shorter of retention and an hour. */
const NOTES_PER_PERIOD = 10;
/** Between compactions by number of revisions, as in etcd. */
const REVISION_INTERVAL_MS = 5 * 60_000;

/**
 * Compacts by itself, as etcd's `v3compactor`: by age every retention time, at most every hour, to the revision
 * of a retention time ago; by number every five minutes. All members keep count, only the leader compacts, so
 * that a new one can go on at once.
 */
export class AutoCompaction {
  readonly #options: AutoCompactionOptions;
  /** The store's revisions of the last retention time, oldest first. */
  #noted: number[] = [];
  #lastMs: number;
  /** From the last compaction to the next; before the first the whole retention time. */
  #waitMs: number;
  #previous = 0;
  #timer: Timer | undefined;

  constructor(options: AutoCompactionOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonic();
    this.#waitMs = options.setting.mode === 'periodic' ? options.setting.retentionMs : 0;
    this.#next();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #next(): void {
    const { setting, clock, revision } = this.#options;
    let intervalMs = REVISION_INTERVAL_MS;
    if (setting.mode === 'periodic') {
      intervalMs = Math.min(setting.retentionMs, HOUR_MS) / NOTES_PER_PERIOD;
      this.#noted.push(revision());
      const kept = Math.floor(setting.retentionMs / intervalMs) + 1;
      this.#noted = this.#noted.slice(-kept);
    }
    this.#timer = clock.setTimer(intervalMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { clock, log, compact } = this.#options;
    const revision = this.#due();
    if (revision !== undefined) {
      const startMs = clock.monotonic();
      const { mode } = this.#options.setting;
      try {
        await compact(revision).catch(unlessCompacted);
        log.info('auto compaction', { mode, revision, tookMs: clock.monotonic() - startMs });
        this.#lastMs = clock.monotonic();
        this.#previous = revision;
      } catch (err) {
        log.warn('auto compaction failed', { mode, revision, err });
      }
    }
    this.#next();
  }

  /** Up to where to compact now; undefined: not now. */
  #due(): number | undefined {
    const { setting, clock, isLeader, revision } = this.#options;
    if (!isLeader()) return undefined;
    if (setting.mode === 'revision') {
      const target = revision() - setting.retention;
      return target > 0 && target !== this.#previous ? target : undefined;
    }
    if (clock.monotonic() - this.#lastMs < this.#waitMs) return undefined;
    this.#waitMs = Math.min(setting.retentionMs, HOUR_MS);
    return this.#noted[0];
  }
}

/** Compacted that far already: as good as done. */
function unlessCompacted(error: unknown): void {
  if (!(error instanceof EtcdError) || error.reason !== 'compacted') throw error;
}
