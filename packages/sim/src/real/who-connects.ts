import { readdir, readFile, readlink } from 'node:fs/promises';

/**
 * Which of some processes holds the local TCP port, by what Linux tells under `/proc`; undefined: none of
 * them.
 */
export async function holderOf(port: number, pids: readonly number[]): Promise<number | undefined> {
  const inode = await inodeOf(port);
  if (inode === undefined) return undefined;
  for (const pid of pids) if (await holds(pid, `socket:[${inode}]`)) return pid;
  return undefined;
}

async function inodeOf(port: number): Promise<string | undefined> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // A program that binds to both families has its IPv4 connections in the other table.
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(table, 'utf8').catch(() => '');
    for (const line of text.split('\n').slice(1)) {
      const [, local, , , , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(wanted) === true && inode !== undefined && inode !== '0') return inode;
    }
  }
  return undefined;
}

async function holds(pid: number, link: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // The process may be gone by now.
  const fds = await readdir(folder).catch(() => []);
  const links = await Promise.all(fds.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.includes(link);
}
