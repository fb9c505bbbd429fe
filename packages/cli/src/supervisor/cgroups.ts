import { existsSync, readdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** cgroup v2 has its controllers file at the root, v1 a folder for each controller. */
export function isUnified(): boolean {
  return existsSync(join(ROOT, 'cgroup.controllers'));
}

/** The folders of a cgroup: one on v2, one a hierarchy on v1 (the unified one beside them too: runtimes put processes there). */
export function cgroupFolders(name: string): string[] {
  if (isUnified()) return [join(ROOT, name)];
  if (!existsSync(ROOT)) return [];
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(ROOT, entry.name, name));
}

/** Stops or lets go every process in the cgroup and below it. */
export function setFrozen(name: string, frozen: boolean): void {
  const [path, value] = isUnified()
    ? [join(ROOT, name, 'cgroup.freeze'), frozen ? '1' : '0']
    : [join(ROOT, 'freezer', name, 'freezer.state'), frozen ? 'FROZEN' : 'THAWED'];
  if (existsSync(path)) writeFileSync(path, value);
}

/** Removes the cgroup with all below it; what still holds processes stays. */
export function removeCgroup(name: string): void {
  for (const folder of cgroupFolders(name)) removeTree(folder);
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) removeTree(path);
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EBUSY' || error.code === 'ENOENT')))
      throw error;
  }
}
