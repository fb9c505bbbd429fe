import type { Measure, Row } from '../core/measure.ts';
import { median } from '../core/stats.ts';
import type { DriverName } from '../support/drivers.ts';
import { TestLab } from '../../tests/support/lab.ts';

const ROUNDS = 3;
const UP_MS = 300_000;
const FIGURES: Readonly<Record<DriverName, number>> = { netns: 12, docker: 20, hollow: 6 };

/** `kubelab up` of a new lab, from the command to its end: nodes Ready, DNS answering. The first run also builds what is missing. */
export const ready: Measure = {
  name: 'ready',
  summary: 'time from "kubelab up" to a lab that can be used, for each driver',
  async run(context) {
    const rows: Row[] = [];
    for (const [driver, missing] of context.drivers) {
      const figure = { unit: 's', atMost: FIGURES[driver] } as const;
      if (missing !== undefined) {
        rows.push({ what: driver, ...figure, skipped: missing });
        continue;
      }
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
      rows.push({ what: `${driver}, median of ${ROUNDS}`, ...figure, value: median(samples), samples });
    }
    return rows;
  },
};
