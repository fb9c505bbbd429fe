import type { Measure } from '../core/measure.ts';
import { spread } from '../core/stats.ts';
import { createDeployment, loadImage, nodeReady, startLab } from '../support/bench-lab.ts';
import { bestDriver } from '../support/drivers.ts';
import { isServing, PodWatch, type WatchedPod } from '../support/pod-watch.ts';

const ROUNDS = 10;
const REPLICAS = 6;
const FIGURE_S = 10;

/**
 * A node is killed; the time until as many pods as before are Ready on the others. Counted from the `kubelab
 * kill` command.
 */
export const heal: Measure = {
  name: 'heal',
  summary: 'node killed until all its pods are replaced and Ready',
  async run(context) {
    const bench = await startLab(context, bestDriver(context.drivers));
    const { lab, client } = bench;
    const image = await loadImage(bench);
    const pods = await PodWatch.start(context, client);
    await createDeployment(client, image, REPLICAS);
    await pods.until('all pods are Ready', allServing);

    const samples: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const victim = busiestNode(pods.list());
      const lost = pods.list().filter(({ spec }) => spec.nodeName === victim).length;
      const startMs = performance.now();
      const killed = lab.ok(['kill', victim]);
      const healedMs = await pods.until(`the pods of ${victim} are replaced`, (list) =>
        allServing(list.filter(({ spec }) => spec.nodeName !== victim)),
      );
      samples.push((healedMs - startMs) / 1000);
      context.tell(`round ${round}: ${victim} with ${lost} pods: ${samples.at(-1)?.toFixed(2)} s`);
      await killed;
      await lab.ok(['start', victim]);
      await nodeReady(client, victim);
      await pods.until('the dead pods are gone', (list) => list.length === REPLICAS && allServing(list));
    }
    return spread(`${REPLICAS} pods on 3 nodes (${bench.driver})`, samples, FIGURE_S);
  },
};

function allServing(pods: readonly WatchedPod[]): boolean {
  return pods.filter(isServing).length === REPLICAS;
}

function busiestNode(pods: readonly WatchedPod[]): string {
  const counts = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec.nodeName !== undefined) counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
  }
  const [busiest] = [...counts].toSorted((a, b) => b[1] - a[1]);
  if (busiest === undefined) throw new Error('no pod is on any node');
  return busiest[0];
}
