import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from './simulation.ts';
import { guardGlobals } from './world/guard.ts';
import { Timeline } from './world/timeline.ts';

/** More for a long night: `SIM_SEEDS=20000`. */
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 30);
const FIRST_SEED = Number(process.env['SIM_FIRST_SEED'] ?? 1);
const EVENTS = Number(process.env['SIM_EVENTS'] ?? 6000);

describe('the store under simulated misfortune', () => {
  test('SIM-1 the same seed gives the same trace, byte by byte', async () => {
    for (const seed of [3, 14, 15]) {
      const [first, second] = [
        await simulate({ seed, eventCount: 1500 }),
        await simulate({ seed, eventCount: 1500 }),
      ];
      assert.deepEqual(first, second);
    }
    const [one, other] = [
      await simulate({ seed: 1, eventCount: 200 }),
      await simulate({ seed: 2, eventCount: 200 }),
    ];
    assert.notEqual(one.digest, other.digest);
  });

  test(`${SEEDS} seeds keep every promise, and recover`, async () => {
    let answered = 0;
    let events = 0;
    let leaders = 0;
    let lost = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      try {
        const result = await simulate({ seed, eventCount: EVENTS });
        answered += result.answeredCount;
        events += result.watchEventCount;
        leaders += result.leaderCount;
        if (result.isLost) lost++;
      } catch (error) {
        throw new Error(`replay: node packages/sim/src/main.ts --seed ${seed} --events ${EVENTS}`, {
          cause: error,
        });
      }
    }
    // Else nothing was tested.
    assert.ok(answered > 50 * SEEDS, `${answered} requests were answered`);
    assert.ok(events > 30 * SEEDS, `${events} watch events`);
    assert.ok(lost <= 1 + 0.02 * SEEDS, `${lost} clusters were given up`);
    assert.ok(leaders > SEEDS, `${leaders} terms had a leader`);
  });

  test('SIM-4 the real clock, timers and chance are refused inside, and back afterwards', () => {
    const real = { setTimeout, setImmediate, now: Date.now, random: Math.random };
    {
      using _guard = guardGlobals(new Timeline(), () => undefined);
      for (const ask of [() => Date.now(), () => Math.random(), () => setTimeout(() => undefined, 1)])
        assert.throws(ask, /SIM-4/);
    }
    assert.deepEqual(real, { setTimeout, setImmediate, now: Date.now, random: Math.random });
  });
});
