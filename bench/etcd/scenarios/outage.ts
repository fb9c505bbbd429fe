import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@kubelab/component-base/testing';
import type { StoreCluster, StoreMember } from '../../support/store-cluster.ts';
import type { FigureId } from '../core/figures.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { alternate } from '../support/rounds.ts';

const LOSSES = [
  { id: 'outage-kill', signal: 'SIGKILL' },
  { id: 'outage-term', signal: 'SIGTERM' },
] as const satisfies readonly { id: FigureId; signal: NodeJS.Signals }[];

/** Puts a second, in turn to all members: an outage is measured to a millisecond or two. */
const RATE = 1000;
/** Writing goes on this long before the leader is lost, and for most of it pauses are not counted: they are not its loss. */
const STEADY_MS = 1000;
const WARM_UP_S = 0.9;
const OUTAGE_MAX_S = 15;
const BACK_MS = 20_000;

/** The leader of three is lost under writes: the longest time without an acknowledgement. */
export const outage: Scenario = {
  name: 'leader lost',
  figures: LOSSES.map(({ id }) => id),
  run: (bench) =>
    alternate(bench, { rounds: 1, members: 3, name: 'leader lost' }, async (store) => {
      for (const { id, signal } of LOSSES) {
        if (!bench.wants(id)) continue;
        for (let i = 1; i <= bench.scale.kills; i++) await loseLeader(bench, store, id, signal);
      }
    }),
};

async function loseLeader(
  bench: Bench,
  store: StoreCluster,
  id: FigureId,
  signal: NodeJS.Signals,
): Promise<void> {
  const leader = await store.leader();
  const load = { rate: RATE, warmUp: WARM_UP_S, seconds: OUTAGE_MAX_S, keys: 100, valueBytes: 256 };
  const probe = bench.client.start('probe', { endpoints: store.endpoints, ...load });
  await delay(STEADY_MS);
  const [report] = await Promise.all([probe.report, store.endMember(leader, signal)]);
  bench.tell(`${store.program}: ${signal} to the leader: ${report.outageSeconds.toFixed(3)} s`);
  bench.results.record(id, store.program, { value: report.outageSeconds });
  store.startMember(leader);
  await caughtUp(store, leader);
}

/** It has applied what the leader had applied when asked. */
async function caughtUp(store: StoreCluster, member: StoreMember): Promise<void> {
  const leader = await store.leader();
  const { raftIndex } = await store.client.status(leader.url);
  await eventually(
    `${member.name} is back`,
    async () => (await store.client.status(member.url, { timeoutMs: 1000 })).raftAppliedIndex >= raftIndex,
    BACK_MS,
  );
}
