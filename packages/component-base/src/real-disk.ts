import { closeSync, constants, openSync, write, writeSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { BlockWriter } from './block-writer.ts';
import type { Disk, DiskFile } from './disk.ts';
import { Patience } from './patience.ts';

const ZEROES = new Uint8Array(1 << 20);
/**
 * A write of at most this much goes into the page cache at once: that takes microseconds, while a thread that
 * does it has to be woken and has to wake us again. What may really wait, the sync, is never done on this
 * one.
 */
const DIRECT_WRITE_BYTES_MAX = 1 << 16;

/** The machine's file system. */
export const realDisk: Disk = {
  async open(path, options = {}) {
    let flags = constants.O_RDWR;
    if (options.create === true) flags |= constants.O_CREAT;
    if (options.truncate === true) flags |= constants.O_TRUNC;
    return realFile(await open(path, flags, 0o600), path);
  },
  async readFile(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  },
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  rename,
  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
  async syncFolder(path) {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

function realFile(handle: FileHandle, path: string): DiskFile {
  let synced: number | undefined;
  // Each write through this one is durable when it returns: one system call, where a write and an fdatasync
  // are two
  // (92 µs against 116 on a small virtual machine).
  const syncedFd = (): number => (synced ??= openSync(path, constants.O_RDWR | constants.O_DSYNC));
  // Past the page cache it takes a fifth less, where that is possible.
  let blocks: BlockWriter | undefined;
  let mayHaveBlocks = true;
  const blockWriter = (): BlockWriter | undefined => {
    if (mayHaveBlocks) blocks = BlockWriter.open(path);
    mayHaveBlocks = false;
    return blocks;
  };
  return {
    size: async () => (await handle.stat()).size,
    async read(position, length) {
      const buffer = Buffer.allocUnsafe(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return buffer.subarray(0, done);
    },
    async write(position, data) {
      blocks?.forget();
      if (data.length <= DIRECT_WRITE_BYTES_MAX) return writeNow(handle.fd, data, position);
      let done = 0;
      while (done < data.length) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
        done += bytesWritten;
      }
    },
    writeSynced(position, data, mayBlock) {
      if (!mayBlock || data.length > DIRECT_WRITE_BYTES_MAX || !patience.mayBlock()) {
        blocks?.forget();
        return writeOnThread(syncedFd(), data, position);
      }
      const startedMs = performance.now();
      if (blockWriter()?.writeNow(position, data) !== true) {
        blocks?.forget();
        writeNow(syncedFd(), data, position);
      }
      patience.took(performance.now() - startedMs);
      return undefined;
    },
    async preallocate(length) {
      blocks?.forget();
      const from = (await handle.stat()).size;
      for (let at = from; at < length; at += ZEROES.length) {
        await handle.write(ZEROES, 0, Math.min(ZEROES.length, length - at), at);
      }
    },
    truncate: (length) => {
      blocks?.forget();
      return handle.truncate(length);
    },
    sync: () => handle.datasync(),
    close: () => {
      if (synced !== undefined) closeSync(synced);
      blocks?.close();
      return handle.close();
    },
  };
}

/**
 * A write that took longer than this should have gone to another thread. That costs 60 µs where nothing else runs,
 * and several times as much where cores are busy: which is also where quick disks seem slower.
 */
const QUICK_WRITE_MS = 0.5;
/** One for all files: what is slow is the disk below them. */
const patience = new Patience(QUICK_WRITE_MS);

function writeNow(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length; )
    done += writeSync(fd, data, done, data.length - done, position + done);
}

/** By a callback, not by a promise of `fs/promises`: that costs 37 µs more. */
function writeOnThread(fd: number, data: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (done: number): void =>
      write(fd, data, done, data.length - done, position + done, (error, written) => {
        if (error !== null) reject(error);
        else if (done + written < data.length) next(done + written);
        else resolve();
      });
    next(0);
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
