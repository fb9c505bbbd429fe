import { dirname, join } from 'node:path';
import type { Disk, DiskFile, Random } from '@kubelab/component-base';
import { Inode, SECTOR_BYTES, type Tearing } from './inode.ts';
import type { Life, Timeline } from './timeline.ts';

export type DiskOperation = 'open' | 'read' | 'write' | 'sync' | 'rename' | 'remove' | 'sync-folder';

/** How the disk behaves at the moment; the nemesis turns these. */
export interface DiskMood {
  /** Of a write: no space is left. */
  isFull: boolean;
  /** The next sync fails. */
  failsSync: boolean;
  /** Makes everything so many times slower. */
  slowness: number;
  /** Called as each change begins; `splits`: a write of which hardly anything lies in its first sector. */
  onOperation: (operation: DiskOperation, splits: boolean) => void;
}

/** Does it after a while, in the life it was asked in. */
type Later = <T>(
  operation: DiskOperation,
  ms: number,
  finish: () => T,
  path: string,
  splits?: boolean,
) => Promise<T>;

/** Of a record, so few bytes in a sector of their own are less than its header. */
const SPLIT_BYTES = 8;

interface NameChange {
  readonly folder: string;
  readonly apply: (names: Names) => void;
}

/** Path → content; a folder has none. */
type Names = Map<string, Inode | undefined>;

/**
 * A disk that forgets in a crash what was not synced: contents by sector (SIM-2), and names (creations,
 * renames, removals) that no `syncFolder` of their folder has made durable (SIM-3).
 */
export class SimDisk {
  readonly mood: DiskMood = { isFull: false, failsSync: false, slowness: 1, onOperation: () => undefined };
  readonly #timeline: Timeline;
  readonly #random: Random;
  #names: Names = new Map();
  readonly #durableNames: Names = new Map();
  /** In the order they were made. */
  #pending: NameChange[] = [];

  constructor(timeline: Timeline, random: Random) {
    this.#timeline = timeline;
    this.#random = random;
  }

  /** Names in a folder lose their end: a journal keeps what came before. */
  crash(tearing: Tearing): void {
    for (const inode of new Set([...this.#names.values(), ...this.#durableNames.values()]))
      inode?.crash(this.#random, tearing);
    for (const folder of new Set(this.#pending.map((change) => change.folder))) {
      const changes = this.#pending.filter((change) => change.folder === folder);
      const kept = {
        'all-lost': 0,
        'some-lost': undefined,
        'first-lost': undefined,
        'none-lost': changes.length,
      }[tearing];
      for (const change of changes.slice(0, kept ?? this.#random.int(changes.length + 1)))
        change.apply(this.#durableNames);
    }
    this.#pending = [];
    // What lies in a folder that is gone is gone.
    for (const path of [...this.#durableNames.keys()].toSorted()) {
      const parent = dirname(path);
      if (parent !== '/' && !this.#durableNames.has(parent)) this.#durableNames.delete(path);
    }
    this.#names = new Map(this.#durableNames);
  }

  /** Another disk, with nothing on it. */
  wipe(): void {
    this.#names.clear();
    this.#durableNames.clear();
    this.#pending = [];
  }

  /** Damages one bit of a file that has any; its path. Each kind of file (by its folder) is as likely. */
  flipBit(): string | undefined {
    const all = [...this.#names].filter(([, inode]) => (inode?.durableSize ?? 0) > 0).map(([path]) => path);
    const folders = [...new Set(all.map((path) => dirname(path)))];
    const folder = folders[this.#random.int(folders.length)];
    const paths = all.filter((path) => dirname(path) === folder);
    const path = paths[this.#random.int(paths.length)];
    if (path !== undefined) this.#names.get(path)?.flipBit(this.#random);
    return path;
  }

  /** The disk as one life of its process has it: nothing is answered after that life. */
  as(life: Life): Disk {
    const later: Later = (operation, ms, finish, path, splits = false) => {
      if (!life.isAlive) return new Promise(() => undefined);
      this.mood.onOperation(operation, splits);
      return new Promise((resolve, reject) => {
        const delayMs = ms * (0.5 + this.#random.float()) * this.mood.slowness;
        this.#timeline.at(delayMs, life, { event: `disk:${operation}`, note: path }, () => {
          try {
            resolve(finish());
          } catch (err) {
            reject(err instanceof Error ? err : new Error(String(err)));
          }
        });
      });
    };
    return {
      open: (path, options = {}) =>
        later(
          'open',
          0.02,
          () => {
            const isNew = options.create === true && !this.#names.has(path);
            if (isNew) this.#change(dirname(path), (names) => names.set(path, inode));
            const inode = isNew ? new Inode() : this.#names.get(path);
            if (isNew) this.#names.set(path, inode);
            if (inode === undefined) throw failure('ENOENT', path);
            if (options.truncate === true) inode.resize(0);
            return this.#file(inode, path, life, later);
          },
          path,
        ),
      readFile: (path) =>
        later(
          'read',
          0.02,
          () => {
            const inode = this.#names.get(path);
            return inode?.read(0, inode.size);
          },
          path,
        ),
      list: (path) => later('read', 0.02, () => this.#list(path), path),
      makeFolder: (path) => later('open', 0.02, () => this.#makeFolder(path), path),
      rename: (from, to) => later('rename', 0.05, () => this.#rename(from, to), to),
      remove: (path) => later('remove', 0.05, () => this.#remove(path), path),
      syncFolder: (path) => {
        const isIncluded = new Set(this.#pending.filter(({ folder }) => folder === path));
        return later(
          'sync-folder',
          0.3,
          () => {
            if (path !== '/' && !this.#names.has(path)) throw failure('ENOENT', path);
            this.#failIfDue(path);
            for (const change of isIncluded) change.apply(this.#durableNames);
            this.#pending = this.#pending.filter((change) => !isIncluded.has(change));
          },
          path,
        );
      },
    };
  }

  #file(inode: Inode, path: string, life: Life, later: Later): DiskFile {
    const requireSpace = (): void => {
      if (this.mood.isFull) throw failure('ENOSPC', path);
    };
    return {
      size: () => later('read', 0.01, () => inode.size, path),
      read: (position, length) => later('read', 0.02, () => inode.read(position, length), path),
      write: (position, data) => {
        const written = later('write', 0.03, requireSpace, path);
        if (life.isAlive && !this.mood.isFull) inode.write(position, data);
        return written;
      },
      writeSynced: (position, data, mayBlock) => {
        // A quick disk keeps its caller waiting about as often as not: both ways are tried.
        const isAtOnce = mayBlock && life.isAlive && this.mood.slowness === 1 && this.#random.float() < 0.5;
        const finish = (makeDurable: () => void) => (): void => {
          requireSpace();
          this.#failIfDue(path);
          makeDurable();
        };
        const begin = (): (() => void) => {
          if (life.isAlive && !this.mood.isFull) inode.write(position, data);
          return finish(inode.beginSync(position, position + data.length));
        };
        const splits = SECTOR_BYTES - (position % SECTOR_BYTES) <= SPLIT_BYTES;
        if (!isAtOnce) return later('sync', 0.5, begin(), path, splits);
        this.mood.onOperation('sync', splits);
        begin()();
        return undefined;
      },
      preallocate: (length) =>
        later(
          'write',
          0.05,
          () => {
            requireSpace();
            if (length > inode.size) inode.resize(length);
          },
          path,
        ),
      truncate: (length) => later('write', 0.03, () => inode.resize(length), path),
      sync: () => {
        const makeDurable = inode.beginSync();
        return later(
          'sync',
          0.5,
          () => {
            this.#failIfDue(path);
            makeDurable();
          },
          path,
        );
      },
      close: () => later('read', 0.01, () => undefined, path),
    };
  }

  #failIfDue(path: string): void {
    if (!this.mood.failsSync) return;
    this.mood.failsSync = false;
    throw failure('EIO', path);
  }

  #change(folder: string, apply: NameChange['apply']): void {
    this.#pending.push({ folder, apply });
  }

  #list(folder: string): string[] {
    const names = [...this.#names.keys()].filter((path) => dirname(path) === folder);
    return names.map((path) => path.slice(folder.length + 1)).sort();
  }

  #makeFolder(path: string): void {
    const parts = path.split('/').filter((part) => part !== '');
    parts.forEach((_, i) => {
      const folder = join('/', ...parts.slice(0, i + 1));
      if (this.#names.has(folder)) return;
      this.#names.set(folder, undefined);
      this.#change(dirname(folder), (names) => names.set(folder, undefined));
    });
  }

  #rename(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode === undefined) throw failure('ENOENT', from);
    const apply = (names: Names): void => {
      names.set(to, inode);
      names.delete(from);
    };
    apply(this.#names);
    this.#change(dirname(to), apply);
  }

  #remove(path: string): void {
    if (!this.#names.has(path)) return;
    this.#names.delete(path);
    this.#change(dirname(path), (names) => names.delete(path));
  }
}

function failure(code: 'ENOENT' | 'ENOSPC' | 'EIO', path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
