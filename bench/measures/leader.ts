import { setTimeout as delay } from 'node:timers/promises';
import { ConfigMap } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { eventually } from '@kubelab/component-base/testing';
import type { TestLab } from '../../tests/support/lab.ts';
import type { Measure } from '../core/measure.ts';
import { spread } from '../core/stats.ts';
import { startLab } from '../support/bench-lab.ts';
import { bestDriver } from '../support/drivers.ts';

const ROUNDS = 5;
const FIGURE_S = 2;
/** Writing goes on this long before each kill and after it. */
const STEADY_MS = 1000;
const OUTAGE_MAX_MS = 30_000;
const WRITE_TIMEOUT_MS = 5000;
const RETRY_MS = 10;

const OBJECT = { name: 'leader-bench', namespace: 'default' };

/**
 * The store's leader is killed under a client that writes through the API: the longest time between two
 * acknowledged writes.
 */
export const leader: Measure = {
  name: 'leader',
  summary: "store's leader killed until the next acknowledged write through the API",
  async run(context) {
    const { lab, client, driver } = await startLab(context, bestDriver(context.drivers));
    await client.create(ConfigMap, { metadata: OBJECT, data: { count: '0' } });

    const samples: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const name = await leaderOf(lab);
      const writer = new Writer(client);
      await delay(STEADY_MS);
      const before = writer.acknowledged;
      await lab.ok(['kill', name]);
      await eventually('writes go on', () => writer.acknowledged > before + 20, OUTAGE_MAX_MS);
      await writer.stop();
      const { data } = await client.get(ConfigMap, OBJECT);
      // A write that failed may have been done all the same; one that was acknowledged must be there.
      if (Number(data?.count) < writer.lastAcknowledged) throw new Error('an acknowledged write is lost');
      samples.push(writer.longestGapMs / 1000);
      context.tell(`round ${round}: ${name}: ${samples.at(-1)?.toFixed(2)} s`);
      await lab.ok(['start', name]);
      await eventually(`${name} follows`, async () => (await roleOf(lab, name)) === 'follower', 30_000, 200);
    }
    return spread(
      `longest gap between writes (${driver})`,
      samples,
      FIGURE_S,
      'no acknowledged write is lost',
    );
  },
};

async function leaderOf(lab: TestLab): Promise<string> {
  return eventually('the store has a leader', async () => {
    const { members } = await lab.status();
    return members.find(({ kind, role }) => kind === 'etcd' && role === 'leader')?.name;
  });
}

async function roleOf(lab: TestLab, name: string): Promise<string | undefined> {
  return (await lab.status()).members.find((member) => member.name === name)?.role;
}

let count = 0;

/** Writes one after the other, each a higher number than the last. */
class Writer {
  acknowledged = 0;
  lastAcknowledged = 0;
  longestGapMs = 0;
  readonly #client: KubeClient;
  readonly #done: Promise<void>;
  #isRunning = true;

  constructor(client: KubeClient) {
    this.#client = client;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    await delay(STEADY_MS);
    this.#isRunning = false;
    await this.#done;
  }

  async #run(): Promise<void> {
    let lastMs = performance.now();
    while (this.#isRunning) {
      const number = ++count;
      try {
        const patch = { data: { count: String(number) } };
        await this.#client.patch(ConfigMap, OBJECT, patch, { type: 'merge', timeoutMs: WRITE_TIMEOUT_MS });
      } catch {
        // Not acknowledged: that is the outage which is measured.
        await delay(RETRY_MS);
        continue;
      }
      const nowMs = performance.now();
      this.longestGapMs = Math.max(this.longestGapMs, nowMs - lastMs);
      lastMs = nowMs;
      this.acknowledged++;
      this.lastAcknowledged = number;
    }
  }
}
