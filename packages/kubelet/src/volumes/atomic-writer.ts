import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

export interface ProjectedFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Relative paths with their content: what a volume made of API data shows. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const DATA = '..data';

/**
 * Writes a payload so that a reader sees all of the old or all of the new: files live in a folder of their own, `..data` is a
 * symlink to it that is swapped in one rename, and the names in the volume are symlinks through `..data`.
 * Upstream: `volume/util/atomic_writer.go`.
 * Invariants
 *   VOL-1  no path of a payload leaves the volume
 */
export async function writeAtomically(folder: string, payload: Payload, groupId?: number): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const current = await currentFolder(folder);
  if (current !== undefined && (await isSame(join(folder, current), payload))) return false;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  // Counted: the number after the current one; what a crash left of it is thrown away.
  const next = `..data-${Number(current?.split('-')[1] ?? 0) + 1}`;
  await rm(join(folder, next), { recursive: true, force: true });
  await writePayload(join(folder, next), payload, groupId);
  const newLink = join(folder, '..data_tmp');
  await rm(newLink, { force: true });
  await symlink(next, newLink);
  await rename(newLink, join(folder, DATA));
  await linkNames(folder, payload);
  if (current !== undefined) await rm(join(folder, current), { recursive: true, force: true });
  return true;
}

function checkPath(path: string): void {
  const isInside = path !== '' && normalize(path) === path && !path.startsWith('/') && !path.startsWith('..');
  if (!isInside || path.split('/').includes('..')) throw new Error(`invalid path "${path}" in a volume`); // VOL-1
}

async function currentFolder(folder: string): Promise<string | undefined> {
  try {
    return await readlink(join(folder, DATA));
  } catch {
    return undefined; // the first write
  }
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  if (entries.filter((entry) => entry.isFile()).length !== payload.size) return false;
  for (const [path, { content }] of payload) {
    const old = await readFile(join(folder, path)).catch(() => undefined);
    if (old === undefined || !old.equals(content)) return false;
  }
  return true;
}

async function writePayload(folder: string, payload: Payload, groupId: number | undefined): Promise<void> {
  await mkdir(folder, { mode: 0o755 });
  await chmod(folder, 0o755); // past the umask
  for (const [path, { content, mode }] of payload) {
    const file = join(folder, path);
    if (path.includes('/')) await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, content);
    if (groupId !== undefined) await chown(file, 0, groupId);
    // A group of its own must be able to read what it was given.
    await chmod(file, groupId === undefined ? mode : mode | 0o440);
  }
}

/** One symlink for each first name of a path; those of names that are gone are removed. */
async function linkNames(folder: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  const present = new Set(await readdir(folder));
  for (const name of wanted) {
    if (!present.has(name)) await symlink(join(DATA, name), join(folder, name));
  }
  for (const name of present) {
    if (!name.startsWith('..') && !wanted.has(name)) await rm(join(folder, name), { force: true });
  }
}
