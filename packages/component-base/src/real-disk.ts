import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { constants, writeSync } from 'node:fs';
import type { Disk, DiskFile } from './disk.ts';

const ZEROES = new Uint8Array(1 << 20);
/**
 * A write of at most this much goes into the page cache at once: that takes microseconds, while a thread that
 * does it has to be woken and has to wake us again. What may really wait, the sync, is never done on this one.
 */
const DIRECT_WRITE_BYTES_MAX = 1 << 16;

/** The machine's file system. */
export const realDisk: Disk = {
  async open(path, options = {}) {
    let flags = constants.O_RDWR;
    if (options.create === true) flags |= constants.O_CREAT;
    if (options.truncate === true) flags |= constants.O_TRUNC;
    return realFile(await open(path, flags, 0o600));
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

function realFile(handle: FileHandle): DiskFile {
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
      let done = 0;
      if (data.length <= DIRECT_WRITE_BYTES_MAX) {
        while (done < data.length)
          done += writeSync(handle.fd, data, done, data.length - done, position + done);
        return;
      }
      while (done < data.length) {
        const { bytesWritten } = await handle.write(data, done, data.length - done, position + done);
        done += bytesWritten;
      }
    },
    async preallocate(length) {
      const from = (await handle.stat()).size;
      for (let at = from; at < length; at += ZEROES.length) {
        await handle.write(ZEROES, 0, Math.min(ZEROES.length, length - at), at);
      }
    },
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
