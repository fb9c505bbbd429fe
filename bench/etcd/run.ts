import { onPath } from '../support/on-path.ts';
import { FIGURE_IDS, type FigureId } from './core/figures.ts';
import { type Result, Results } from './core/results.ts';
import type { Scale } from './core/scale.ts';
import type { Bench, Cleanup } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';
import { LoadClient } from './support/load-client.ts';

export interface RunOptions {
  readonly ids: readonly FigureId[];
  readonly scale: Scale;
  /** For what must also be done when the run is broken off. */
  readonly defer: (cleanup: Cleanup) => void;
  readonly tell: (line: string) => void;
  /** After each scenario: its rows, in the order of the table. */
  readonly onResults?: (results: readonly Result[]) => Promise<void> | void;
}

/** Measures these figures: one scenario after the other, each with the stores it needs. */
export async function runFigures(options: RunOptions): Promise<readonly Result[]> {
  const { ids, scale, defer, tell, onResults } = options;
  const results = new Results();
  const client = await clientHere();
  if (client instanceof LoadClient) defer(() => client.remove());
  const cleanups: Cleanup[] = [];
  const cleanUp = async () => {
    for (let cleanup = cleanups.pop(); cleanup !== undefined; cleanup = cleanups.pop()) await cleanup();
  };
  defer(cleanUp);
  const all: Result[] = [];
  for (const scenario of scenarios) {
    const wanted = FIGURE_IDS.filter((id) => ids.includes(id) && scenario.figures.includes(id));
    if (wanted.length === 0) continue;
    if (client instanceof LoadClient) {
      const attempt = attempter(results);
      const wants = (id: FigureId) => wanted.includes(id);
      const bench: Bench = {
        ...{ client, scale, results, wants, attempt, tell },
        defer: (cleanup) => cleanups.push(cleanup),
      };
      await attempt(wanted, () => scenario.run(bench));
      await cleanUp();
    } else for (const id of wanted) results.skip(id, client.missing);
    const rows = wanted.map((id) => results.result(id));
    await onResults?.(rows);
    all.push(...rows);
  }
  if (client instanceof LoadClient) await client.remove();
  return all;
}

async function clientHere(): Promise<LoadClient | { missing: string }> {
  if (!onPath('etcd')) return { missing: 'etcd is not installed (Debian: etcd-server)' };
  return LoadClient.build();
}

function attempter(results: Results): Bench['attempt'] {
  return async (ids, measure) => {
    try {
      await measure();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`${text}\n`);
      const [line = ''] = (error instanceof Error ? error.message : text).split('\n');
      for (const id of ids) results.fail(id, line);
    }
  };
}
