import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@kubelab/component-base';
import type { KeptProcess } from './keeper.ts';

/** A process by more than its number, which the kernel gives out again: with the tick it started at. */
interface RecordedProcess {
  readonly name: string;
  readonly pid: number;
  readonly startTicks: string;
}

const FILE = 'processes.json';

/** Notes which processes are the lab's own, for the next supervisor. */
export async function recordPids(
  folder: string,
  processes: readonly KeptProcess[],
  file = FILE,
): Promise<void> {
  const records: RecordedProcess[] = [];
  for (const { name, pid } of processes) {
    const startTicks = pid === undefined ? undefined : await startOf(pid);
    if (pid !== undefined && startTicks !== undefined) records.push({ name, pid, startTicks });
  }
  await writeFile(join(folder, file), JSON.stringify(records), { mode: 0o600 });
}

/** Kills the recorded processes that still run: only those that are surely the same. */
export async function endLeftovers(folder: string, log?: Logger, file = FILE): Promise<void> {
  const text = await readFile(join(folder, file), 'utf8').catch(() => '[]');
  for (const { name, pid, startTicks } of JSON.parse(text) as RecordedProcess[]) {
    if ((await startOf(pid)) !== startTicks) continue;
    log?.warn('ending a process of an earlier supervisor', { process: name, pid });
    process.kill(-pid, 'SIGKILL');
    while ((await startOf(pid)) === startTicks) await delay(20);
  }
}

/** Start time of a live process (field 22 of /proc/<pid>/stat); undefined when there is none, or it is a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}
