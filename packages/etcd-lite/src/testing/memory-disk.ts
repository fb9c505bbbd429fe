import { dirname } from 'node:path';
import type { Disk, DiskFile } from '@kubelab/component-base';

/** A disk in memory, whose files a test may cut, flip and inspect. What is written is there at once. */
export class MemoryDisk implements Disk {
  readonly files = new Map<string, Buffer>();
  /** Set: every sync fails from now on. */
  syncError: Error | undefined;
  /** Whether callers who allow it are kept waiting. */
  blocks = false;

  open(path: string, options: { create?: boolean; truncate?: boolean } = {}): Promise<DiskFile> {
    if (!this.files.has(path) && options.create !== true) return Promise.reject(notFound(path));
    if (!this.files.has(path) || options.truncate === true) this.files.set(path, Buffer.alloc(0));
    return Promise.resolve(this.#file(path));
  }
  readFile(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.files.get(path));
  }
  list(path: string): Promise<string[]> {
    const names = [...this.files.keys()].filter((file) => dirname(file) === path);
    return Promise.resolve(names.map((file) => file.slice(path.length + 1)).sort());
  }
  makeFolder(): Promise<void> {
    return Promise.resolve();
  }
  rename(from: string, to: string): Promise<void> {
    this.files.set(to, this.#content(from));
    this.files.delete(from);
    return Promise.resolve();
  }
  remove(path: string): Promise<void> {
    this.files.delete(path);
    return Promise.resolve();
  }
  syncFolder(): Promise<void> {
    return Promise.resolve();
  }

  /** A copy as of now: what a crash would leave behind. */
  clone(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, content] of this.files) copy.files.set(path, Buffer.from(content));
    return copy;
  }

  #content(path: string): Buffer {
    const content = this.files.get(path);
    if (content === undefined) throw notFound(path);
    return content;
  }

  #file(path: string): DiskFile {
    const content = (): Buffer => this.#content(path);
    const resize = (length: number): void => {
      const next = Buffer.alloc(length);
      content().copy(next, 0, 0, length);
      this.files.set(path, next);
    };
    const put = (position: number, data: Uint8Array): void => {
      if (position + data.length > content().length) resize(position + data.length);
      content().set(data, position);
    };
    return {
      size: () => Promise.resolve(content().length),
      read: (position, length) =>
        Promise.resolve(Buffer.from(content().subarray(position, position + length))),
      write: (position, data) => {
        put(position, data);
        return Promise.resolve();
      },
      writeSynced: (position, data, mayBlock) => {
        if (this.syncError === undefined) put(position, data);
        if (mayBlock && this.blocks) {
          if (this.syncError !== undefined) throw this.syncError;
          return undefined;
        }
        return this.syncError === undefined ? Promise.resolve() : Promise.reject(this.syncError);
      },
      preallocate: (length) => {
        if (length > content().length) resize(length);
        return Promise.resolve();
      },
      truncate: (length) => {
        resize(length);
        return Promise.resolve();
      },
      sync: () => (this.syncError === undefined ? Promise.resolve() : Promise.reject(this.syncError)),
      close: () => Promise.resolve(),
    };
  }
}

function notFound(path: string): Error {
  return Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' });
}
