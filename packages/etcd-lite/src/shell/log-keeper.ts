import type { Logger } from '@kubelab/component-base';
import type { Entry, Raft, SnapshotMetadata } from 'raft-consensus';
import type { State } from '../core/state-machine.ts';
import type { SnapshotSource } from '../transport/peers.ts';
import type { Wal } from '../wal/wal.ts';
import type { Checkpointer } from './checkpointer.ts';

export interface LogKeeperOptions {
  readonly checkpointer: Checkpointer;
  readonly wal: Pick<Wal, 'release'>;
  readonly raft: Pick<Raft, 'id' | 'conf' | 'status' | 'compact'>;
  /** Applied entries between two checkpoints. */
  readonly snapshotCount: number;
  /** Entries kept in memory behind a checkpoint. */
  readonly catchUpEntries: number;
  readonly now: () => { readonly state: State; readonly metadata: SnapshotMetadata };
  /** Of the keys and values that `now` holds. */
  readonly stateBytes: () => number;
  readonly log: Logger;
  readonly fatal: (msg: string, error: unknown) => void;
}

const MiB = 1024 * 1024;
/** Of applied entries in memory: beyond the first, what is older than the second goes. */
const MEMORY = { max: 12 * MiB, kept: 4 * MiB };
/** With nobody to follow: such entries leave while they are new, and cost V8 next to nothing. */
const MEMORY_ALONE = { max: MiB / 2, kept: MiB / 4 };
/** What a member that follows still needs is kept, but not beyond this: it gets a snapshot instead. */
const MEMORY_FOR_FOLLOWERS_MAX = 64 * MiB;
const MARK_BYTES = MiB / 8;

/** When the entry was applied, so many bytes had been in all. */
interface Mark {
  readonly index: number;
  readonly bytes: number;
}

/**
 * How much of the log stays. On disk: what the newest checkpoint does not hold; when to write one is decided
 * here. In memory: what other members may need soon. That is much less: waiting for the checkpoint would keep
 * up to half of the state a second time (50 MB of 100 000 values of 1 KiB).
 */
export class LogKeeper {
  readonly #options: LogKeeperOptions;
  /** Of log entries applied since the newest checkpoint was begun. */
  #bytesSinceCheckpoint = 0;
  /** Of all entries applied since the start, and of those no longer in memory. */
  #appliedBytes = 0;
  #goneBytes = 0;
  /** About one per `MARK_BYTES`. */
  #marks: Mark[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: LogKeeperOptions) {
    this.#options = options;
  }

  applied(entries: readonly Entry[]): void {
    for (const { index, data } of entries) {
      this.#bytesSinceCheckpoint += data.length;
      this.#appliedBytes += data.length;
      if (this.#appliedBytes - (this.#marks.at(-1)?.bytes ?? this.#goneBytes) >= MARK_BYTES)
        this.#marks.push({ index, bytes: this.#appliedBytes });
    }
    this.#trim();
    if (this.#isCheckpointDue(entries.at(-1)?.index ?? 0)) void this.checkpoint();
  }

  /** The log was replaced by a snapshot. */
  restored(): void {
    this.#goneBytes = this.#appliedBytes;
    this.#marks = [];
  }

  /**
   * Writes the state to disk, so that the log before it can go. One at a time: another call waits for the one
   * under way.
   */
  checkpoint(): Promise<void> {
    this.#writing ??= this.#write()
      .catch((error: unknown) => this.#options.fatal('checkpoint failed', error))
      .finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  /** A checkpoint that the log in memory follows, for a member that the log does not reach back to. */
  async snapshot(): Promise<SnapshotSource | undefined> {
    const { checkpointer, raft } = this.#options;
    const isOld = (): boolean => (checkpointer.newest?.index ?? -1) < raft.status().firstIndex - 1;
    // The first may have been under way, and be too old itself.
    for (let tries = 0; tries < 2 && isOld(); tries++) await this.checkpoint();
    const metadata = checkpointer.newest;
    return metadata && { metadata, path: checkpointer.path(metadata) };
  }

  #isCheckpointDue(applied: number): boolean {
    const { checkpointer, snapshotCount, stateBytes } = this.#options;
    const { newest, bytes } = checkpointer;
    if (this.#writing !== undefined || applied - (newest?.index ?? 0) < snapshotCount) return false;
    // A large state is not written again for a few small changes: that would be most of what the disk does.
    // But where compaction has made it small, the large one should go.
    return this.#bytesSinceCheckpoint >= Math.min(bytes, stateBytes()) / 2;
  }

  async #write(): Promise<void> {
    const { checkpointer, wal, catchUpEntries, snapshotCount, now, log } = this.#options;
    if (checkpointer.newest?.index === now().metadata.index) return;
    this.#bytesSinceCheckpoint = 0;
    await wal.release(await checkpointer.write(now));
    const { newest, bytes } = checkpointer;
    this.#forget((newest?.index ?? 0) - Math.min(catchUpEntries, snapshotCount));
    log.info('checkpoint', { index: newest?.index, bytes });
  }

  #trim(): void {
    const bytes = this.#appliedBytes - this.#goneBytes;
    if (bytes <= MEMORY_ALONE.max) return;
    const { conf } = this.#options.raft;
    const { max, kept } = conf.voters.length + conf.learners.length > 1 ? MEMORY : MEMORY_ALONE;
    if (bytes <= max) return;
    const isHuge = bytes > MEMORY_FOR_FOLLOWERS_MAX;
    const needed = isHuge ? Number.POSITIVE_INFINITY : this.#neededByOthers();
    const isOld = (mark: Mark): boolean => mark.bytes <= this.#appliedBytes - kept && mark.index <= needed;
    this.#forget(this.#marks.findLast(isOld)?.index ?? 0);
  }

  /** Up to where all members that follow, or will when they have taken a snapshot, have the log. */
  #neededByOthers(): number {
    const { raft, checkpointer } = this.#options;
    const others = Object.entries(raft.status().progress).filter(([id]) => id !== raft.id);
    const indexes = others
      .filter(([, { isRecentlyActive }]) => isRecentlyActive)
      .map(([, { state, match }]) => (state === 'snapshot' ? (checkpointer.newest?.index ?? 0) : match));
    return Math.min(...indexes, Number.POSITIVE_INFINITY);
  }

  #forget(index: number): void {
    const { raft } = this.#options;
    const { firstIndex, applied } = raft.status();
    const upTo = Math.min(index, applied);
    if (upTo < firstIndex) return;
    raft.compact(upTo);
    this.#goneBytes = this.#marks.findLast((mark) => mark.index <= upTo)?.bytes ?? this.#goneBytes;
    this.#marks = this.#marks.filter((mark) => mark.index > upTo);
  }
}
