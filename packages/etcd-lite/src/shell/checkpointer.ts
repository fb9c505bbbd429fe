import { join } from 'node:path';
import type { Disk, Logger } from '@kubelab/component-base';
import type { Int64 } from '@kubelab/rpc';
import type { SnapshotMetadata } from 'raft-consensus';
import {
  checkpointFile,
  CheckpointDamagedError,
  type CheckpointName,
  CheckpointWriter,
  listCheckpoints,
  readCheckpoint,
} from '../checkpoint/checkpoint-file.ts';
import { readState, stateRecords } from '../checkpoint/checkpoint-state.ts';
import type { State } from '../core/state-machine.ts';
import { metadataFromWire } from '../transport/message-codec.ts';

export interface Restored {
  readonly state: State;
  readonly metadata: SnapshotMetadata;
}

/**
 * How many stay: the newest, and one to fall back on. Of a large state only the newest: two of them, and the
 * log since the older one, are three times the state.
 */
const KEPT = 2;
const KEPT_OF_LARGE = 1;
const LARGE_BYTES = 8 * 1024 * 1024;

/** Writes checkpoints now and then, finds the newest good one at start, and throws old ones away. */
export class Checkpointer {
  readonly #disk: Disk;
  readonly #log: Logger;
  readonly folder: string;
  readonly #clusterId: Int64;
  #isWriting = false;
  #newest: SnapshotMetadata | undefined;
  #bytes = 0;

  constructor(disk: Disk, folder: string, clusterId: Int64, log: Logger) {
    this.#disk = disk;
    this.folder = folder;
    this.#clusterId = clusterId;
    this.#log = log;
  }

  get newest(): SnapshotMetadata | undefined {
    return this.#newest;
  }
  get isWriting(): boolean {
    return this.#isWriting;
  }
  /** Of the newest file written or read here. */
  get bytes(): number {
    return this.#bytes;
  }

  path(name: CheckpointName): string {
    return join(this.folder, checkpointFile(name));
  }

  /** The newest checkpoint that is whole. A damaged one is passed over in favour of the one before it. */
  async load(): Promise<Restored | undefined> {
    for (const file of await this.#disk.list(this.folder)) {
      if (file.endsWith('.tmp')) await this.#disk.remove(join(this.folder, file));
    }
    for (const name of await listCheckpoints(this.#disk, this.folder)) {
      try {
        return await this.restore(name);
      } catch (err) {
        if (!(err instanceof CheckpointDamagedError)) throw err;
        this.#log.error('checkpoint damaged, trying the one before', { err });
      }
    }
    return undefined;
  }

  async restore(name: CheckpointName): Promise<Restored> {
    const { header, state } = await readState(readCheckpoint(this.#disk, this.path(name)));
    const metadata = metadataFromWire(header.metadata);
    this.#newest = metadata;
    this.#bytes = await this.#sizeOf(name);
    return { state, metadata };
  }

  async #sizeOf(name: CheckpointName): Promise<number> {
    const file = await this.#disk.open(this.path(name));
    try {
      return await file.size();
    } finally {
      await file.close();
    }
  }

  /**
   * Writes the state as of when `now` is called. Resolves to the index up to which the log may be released.
   */
  async write(now: () => { readonly state: State; readonly metadata: SnapshotMetadata }): Promise<number> {
    this.#isWriting = true;
    try {
      const writer = await CheckpointWriter.create(this.#disk, this.folder, 'writing.tmp');
      const { state, metadata } = now();
      for (const record of stateRecords(state, metadata, this.#clusterId)) await writer.add(record);
      await writer.publish(metadata);
      // A state that arrived and was restored meanwhile is newer, and may be the only one that stays.
      if (metadata.index > (this.#newest?.index ?? 0)) {
        this.#newest = metadata;
        this.#bytes = writer.bytes;
      }
      return await this.#prune();
    } finally {
      this.#isWriting = false;
    }
  }

  /** Removes old ones; the index of the oldest kept. */
  async #prune(): Promise<number> {
    const names = await listCheckpoints(this.#disk, this.folder);
    const kept = this.#bytes > LARGE_BYTES ? KEPT_OF_LARGE : KEPT;
    for (const name of names.slice(kept)) await this.#disk.remove(this.path(name));
    return names.slice(0, kept).at(-1)?.index ?? 0;
  }
}
