/**
 * Random networks. One seed again: `RAFT_SEED=17 node --test packages/raft-
 * consensus/src/simulation.test.ts`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Simulation } from './testing/simulation.ts';

const EVENTS = 10_000;
const SEEDS = 300;

const asked = process.env.RAFT_SEED;
const first = Number(asked ?? process.env.RAFT_FIRST_SEED ?? 1);
const count = asked === undefined ? Number(process.env.RAFT_SEEDS ?? SEEDS) : 1;

const held = 'RAFT-1 RAFT-2 RAFT-3 RAFT-5 RAFT-6 RAFT-7 RAFT-9 RAFT-13 RAFT-15 RAFT-16 RAFT-17 hold';

test(`${held} in bad networks, and healthy ones converge`, () => {
  let applied = 0;
  for (let seed = first; seed < first + count; seed++) {
    const simulation = new Simulation(seed);
    try {
      applied += simulation.run(EVENTS).appliedCount;
    } catch (error) {
      console.error(simulation.trace.join('\n'));
      const replay = `RAFT_SEED=${seed} node --test packages/raft-consensus/src/simulation.test.ts`;
      throw new Error(`seed ${seed} failed: ${String(error)}\nreplay: ${replay}`, { cause: error });
    }
  }
  // A network so bad that nothing happens would prove nothing.
  assert.ok(applied > count * 10, `only ${applied} entries were applied in ${count} runs`);
});
