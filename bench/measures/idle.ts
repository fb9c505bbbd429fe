import { setTimeout as delay } from 'node:timers/promises';
import { basename } from 'node:path';
import type { TestLab } from '../../tests/support/lab.ts';
import type { Measure, Row } from '../core/measure.ts';
import { sum } from '../core/stats.ts';
import { startLab } from '../support/bench-lab.ts';
import { bestDriver } from '../support/drivers.ts';
import { cpuSeconds, descendants, type ProcessEntry, pssMegabytes } from '../support/processes.ts';

const SETTLE_S = 15;
const WINDOW_S = 20;
const MEMORY_MB = 1200;
const CPU_PERCENT = 5;

interface Sample {
  readonly component: string;
  readonly isOurs: boolean;
  readonly megabytes: number;
  readonly cpuPercent: number;
}

/**
 * A lab that nobody uses: memory and CPU of each of its processes. Engines, with their containers, are
 * counted apart.
 */
export const idle: Measure = {
  name: 'idle',
  summary: `memory and CPU of each process of a lab at rest, over ${WINDOW_S} s`,
  async run(context) {
    const { lab, driver } = await startLab(context, bestDriver(context.drivers));
    context.tell(`settling for ${SETTLE_S} s, then measuring for ${WINDOW_S} s`);
    await delay(SETTLE_S * 1000);
    const samples = await sampleAll(await processesOf(lab));
    const ours = samples.filter(({ isOurs }) => isOurs);
    const rows = [...Map.groupBy(ours, ({ component }) => component)].map(([component, own]) =>
      componentRow(component, own),
    );
    return [...rows, ...totals(ours, driver), ...engineRows(samples.filter(({ isOurs }) => !isOurs))];
  },
};

/** Members, what keeps them running, and everything below. */
async function processesOf(lab: TestLab): Promise<ProcessEntry[]> {
  const pids = (await lab.status()).members.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  const members = await descendants(pids);
  const parents = new Set(members.filter(({ pid }) => pids.includes(pid)).map(({ parent }) => parent));
  const supervisor = (await descendants([...parents])).find(
    ({ pid, words }) => parents.has(pid) && words.some((word) => word.endsWith('supervisor/main.ts')),
  );
  return supervisor === undefined ? members : descendants([supervisor.pid]);
}

async function sampleAll(processes: readonly ProcessEntry[]): Promise<Sample[]> {
  const before = new Map<number, number>();
  for (const { pid } of processes) before.set(pid, (await cpuSeconds(pid)) ?? 0);
  const startMs = performance.now();
  await delay(WINDOW_S * 1000);
  const samples: Sample[] = [];
  for (const entry of processes) {
    const cpu = await cpuSeconds(entry.pid);
    const seconds = (performance.now() - startMs) / 1000;
    const megabytes = await pssMegabytes(entry.pid);
    if (cpu === undefined || megabytes === undefined) continue;
    const cpuPercent = (100 * (cpu - (before.get(entry.pid) ?? 0))) / seconds;
    samples.push({ ...nameOf(entry), megabytes, cpuPercent });
  }
  return samples;
}

/**
 * `packages/kubelet/src/main.ts` is the kubelet, `packages/cli/src/node/main.ts` the node's entry. The
 * programs that hold a node's namespaces (`unshare`, `sh`) carry the entry's command line in theirs. What is
 * not kubelab's is the engine's.
 */
function nameOf({ words }: ProcessEntry): Pick<Sample, 'component' | 'isOurs'> {
  const program = basename(words[0] ?? '');
  const main = words
    .map((word) => /packages\/([\w-]+)\/src\/(?:([\w-]+)\/)?main\.ts$/.exec(word))
    .find(Boolean);
  if (main === undefined || main === null) return { component: program, isOurs: false };
  return { component: program === 'node' ? (main[2] ?? main[1] ?? program) : program, isOurs: true };
}

function componentRow(component: string, samples: readonly Sample[]): Row {
  const sizes = samples.map(({ megabytes }) => megabytes);
  const cpu = sum(samples.map(({ cpuPercent }) => cpuPercent));
  return {
    what: `${component} × ${samples.length}`,
    unit: 'MB',
    value: sum(sizes),
    samples: sizes,
    note: `${cpu.toFixed(2)} % of a core`,
  };
}

function totals(ours: readonly Sample[], driver: string): Row[] {
  const all = `all ${ours.length} of our processes (${driver})`;
  const memory = sum(ours.map(({ megabytes }) => megabytes));
  const cpu = sum(ours.map(({ cpuPercent }) => cpuPercent));
  return [
    { what: `${all}, PSS`, unit: 'MB', value: memory, atMost: MEMORY_MB },
    { what: `${all}, CPU`, unit: '% of a core', value: cpu, atMost: CPU_PERCENT },
  ];
}

function engineRows(engines: readonly Sample[]): Row[] {
  if (engines.length === 0) return [];
  const cpu = sum(engines.map(({ cpuPercent }) => cpuPercent));
  const value = sum(engines.map(({ megabytes }) => megabytes));
  return [
    {
      what: `engines, ${engines.length} processes, PSS`,
      unit: 'MB',
      value,
      note: `${cpu.toFixed(2)} % of a core`,
    },
  ];
}
