import { access, constants, mkdir, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ConfigError } from '../flags/notice.ts';

/**
 * Makes the data directory where there is none, for its owner's eyes only, and keeps it from other processes of
 * this machine until the function returned is called, or this process ends: two that append to one log destroy it.
 *
 * The lock is a name in Linux's abstract socket namespace, made of the folder's inode: a crash leaves nothing behind.
 * Elsewhere, and between containers with networks of their own, there is none.
 * @throws ConfigError
 */
export async function takeDataFolder(dataDir: string): Promise<() => void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'is not a folder, or is below a file' : message;
    throw new ConfigError(`cannot use --data-dir ${dataDir}: ${why}`);
  }
  if (process.platform !== 'linux') return () => undefined;
  const { dev, ino } = await stat(dataDir, { bigint: true });
  const lock = createServer((socket) => void socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    lock.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why =
        code === 'EADDRINUSE'
          ? 'another process on this machine uses it: end that one first, or give this member a folder of its own'
          : message;
      reject(new ConfigError(`cannot use --data-dir ${dataDir}: ${why}`));
    });
    lock.listen(`\0kubelab-etcd-lite-${dev}-${ino}`, resolve);
  });
  return () => void lock.close();
}
