/**
 * Files as an interface: whatever must survive a crash goes through here, so that the simulator can lose,
 * tear and
 * damage any of it. Paths are absolute. Errors are Node's (`code: 'ENOENT' | 'ENOSPC' | …`).
 */
export interface Disk {
  /** Opens for reading and writing; `create` makes it when absent, `truncate` empties it. */
  open(path: string, options?: OpenOptions): Promise<DiskFile>;
  /** The whole file; `undefined` when there is none. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(path: string): Promise<string[]>;
  makeFolder(path: string): Promise<void>;
  /** Atomic within one folder; durable only after `syncFolder` of it. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes creations, renames and removals in the folder durable. */
  syncFolder(path: string): Promise<void>;
}

export interface OpenOptions {
  readonly create?: boolean;
  readonly truncate?: boolean;
}

export interface DiskFile {
  size(): Promise<number>;
  /** Up to `length` bytes from `position`; shorter at the end of the file. */
  read(position: number, length: number): Promise<Uint8Array>;
  /** Writes all of `data` at `position`; not durable before `sync`. */
  write(position: number, data: Uint8Array): Promise<void>;
  /**
   * Writes all of `data` at `position` and makes it durable; of earlier writes that were not synced nothing
   * is said.
   * With `mayBlock` (nothing else could use the time) a disk that is quick enough may keep its caller waiting
   * instead of
   * going through another thread, and returns undefined: it is done. A failure is final: never retry it.
   */
  writeSynced(position: number, data: Uint8Array, mayBlock: boolean): Promise<void> | undefined;
  /** Reserves space, filled with zeroes. */
  preallocate(length: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /**
   * fdatasync: resolves once everything written before the call is durable. A failure is final: never retry
   * it.
   */
  sync(): Promise<void>;
  close(): Promise<void>;
}
