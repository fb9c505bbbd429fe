import { errorMessage } from '@kubelab/component-base';
import { engineUnavailable, startEngine } from '../../tests/support/engine.ts';
import { TestLab } from '../../tests/support/lab.ts';
import type { BenchContext, Measure, Row } from '../core/measure.ts';
import { median } from '../core/stats.ts';
import type { DriverName } from '../support/drivers.ts';

const ROUNDS = 3;
const UP_MS = 300_000;
const FIGURES: Readonly<Record<DriverName, number>> = { netns: 12, docker: 20, hollow: 6 };

/**
 * `kubelab up` of a new lab, from the command to its end: nodes Ready, DNS answering. The first run also
 * builds what is missing.
 */
export const ready: Measure = {
  name: 'ready',
  summary: 'time from "kubelab up" to a lab that can be used, for each driver',
  async run(context) {
    const rows: Row[] = [];
    for (const driver of ['hollow', 'netns', 'docker'] as const) {
      const figure = { unit: 's', atMost: FIGURES[driver] } as const;
      const missing = await reasonAgainst(context, driver);
      if (missing !== undefined) {
        rows.push({ what: driver, ...figure, skipped: missing });
        continue;
      }
      try {
        const samples = await rounds(context, driver);
        rows.push({ what: `${driver}, median of ${ROUNDS}`, ...figure, value: median(samples), samples });
      } catch (error) {
        // The figures of the other drivers are not lost with it.
        rows.push({ what: driver, ...figure, failed: lastLine(errorMessage(error)) });
      }
    }
    return rows;
  },
};

/** A command's last words say why it failed. */
function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** Why this driver cannot be measured. For docker an engine of our own will do: it is started here. */
async function reasonAgainst(context: BenchContext, driver: DriverName): Promise<string | undefined> {
  if (driver !== 'docker') return context.drivers.get(driver);
  const why = await engineUnavailable();
  if (why !== false) return why;
  context.defer(await startEngine());
  return undefined;
}

async function rounds(context: BenchContext, driver: DriverName): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const lab = new TestLab('bench');
    context.defer(() => lab.remove());
    const startMs = performance.now();
    await lab.ok(['up', '--driver', driver], { timeoutMs: UP_MS });
    samples.push((performance.now() - startMs) / 1000);
    context.tell(`${driver}, round ${round}: ${samples.at(-1)?.toFixed(1)} s`);
    await lab.remove();
  }
  return samples;
}
