import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a process has in memory, MB; shared pages and mapped files count. */
export async function rssMegabytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kilobytes) / 1024;
}

/** What a folder takes on the disk; space that was reserved counts, holes do not. */
export async function diskBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  // One that is renamed or deleted meanwhile is not counted.
  const sizes = names.map(
    async (name) => (await lstat(join(folder, name)).catch(() => undefined))?.blocks ?? 0,
  );
  return (await Promise.all(sizes)).reduce((total, blocks) => total + blocks * 512, 0);
}
