import { readdir, readFile } from 'node:fs/promises';

/** A process of this machine as /proc has it. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly words: readonly string[];
}

/** CPU time is counted in these: USER_HZ, 100 a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

async function allProcesses(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const entries = await Promise.all(pids.map(readProcess));
  return entries.filter((entry) => entry !== undefined);
}

/** Undefined when it has just ended. */
async function readProcess(pid: number): Promise<ProcessEntry | undefined> {
  const fields = await statOf(pid);
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  if (fields === undefined || command === undefined) return undefined;
  return { pid, parent: Number(fields[1]), words: command.split('\0').filter(Boolean) };
}

/** These processes and all below them. */
export async function descendants(roots: readonly number[]): Promise<ProcessEntry[]> {
  const all = await allProcesses();
  const wanted = new Set(roots);
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of all) if (wanted.has(parent)) wanted.add(pid);
  }
  return all.filter(({ pid }) => wanted.has(pid));
}

/**
 * Seconds of CPU it has used, with those of its children that have ended; undefined when it has ended itself.
 */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  const fields = await statOf(pid);
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5).
  const ticks = fields?.slice(11, 15).reduce((total, field) => total + Number(field), 0);
  return ticks === undefined ? undefined : ticks / TICKS_PER_SECOND;
}

/** Proportional set size in MB: shared pages are divided among those who share them. */
export async function pssMegabytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

/** The fields of /proc/<pid>/stat from the third on: the second, the name, may hold anything. */
async function statOf(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}
