import { Pod } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import type { Measure } from '../core/measure.ts';
import { median } from '../core/stats.ts';
import { loadImage, startLab } from '../support/bench-lab.ts';
import { realDriver } from '../support/drivers.ts';
import { createAndStart, nodeEngine, recipeOf } from '../support/node-engine.ts';
import { PodWatch } from '../support/pod-watch.ts';

const ROUNDS = 10;
const FIGURE = 1.5;
const NODE = 'node-1';

/**
 * From the event of a pod's binding to the event of its Running, against the same node's engine asked to
 * create and start the same two containers (pause and app, with the same mounts and limits). One pod at a
 * time, in turn with the engine alone.
 */
export const podStart: Measure = {
  name: 'pod-start',
  summary: "pod bound until Running, against the engine's own create and start",
  async run(context) {
    const driver = realDriver(context.drivers);
    if (driver === undefined) {
      const skipped = 'no driver with real containers works here (or there is no static busybox)';
      return [{ what: 'pod start ÷ engine', unit: '×', atMost: FIGURE, skipped }];
    }
    const bench = await startLab(context, driver);
    const image = await loadImage(bench);
    const pods = await PodWatch.start(context, bench.client);
    // One pod stays: its containers are the recipe, and its volumes are there for what is made by it.
    await timePod(bench.client, pods, 'pattern', image);
    const engine = await nodeEngine(bench.lab, NODE);
    const recipe = await recipeOf(engine, 'pattern');
    await createAndStart(engine, recipe);

    const kubelet: number[] = [];
    const alone: number[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const name = `pod-${round}`;
      kubelet.push(await timePod(bench.client, pods, name, image));
      await bench.client.delete(Pod, { name, namespace: 'default' }, { gracePeriodSeconds: 0 });
      await pods.until(`${name} is gone`, (list) => list.every(({ metadata }) => metadata.name !== name));
      alone.push(await createAndStart(engine, recipe));
      context.tell(`round ${round}: ${kubelet.at(-1)?.toFixed(0)} ms, engine ${alone.at(-1)?.toFixed(0)} ms`);
    }
    const ratio = median(kubelet) / median(alone);
    return [
      {
        what: `bound → Running, median of ${ROUNDS} (${driver})`,
        unit: 'ms',
        value: median(kubelet),
        samples: kubelet,
      },
      { what: 'engine alone: create and start both', unit: 'ms', value: median(alone), samples: alone },
      { what: 'pod start ÷ engine', unit: '×', value: ratio, atMost: FIGURE },
    ];
  },
};

/** Creates the pod; milliseconds between the two events. */
async function timePod(client: KubeClient, pods: PodWatch, name: string, image: string): Promise<number> {
  const find = (holds: (pod: Pick<Pod, 'spec' | 'status'>) => boolean) =>
    pods.until(`${name} is bound and runs`, (list) =>
      list.some((pod) => pod.metadata.name === name && holds(pod as Pod)),
    );
  const bound = find(({ spec }) => spec.nodeName !== undefined);
  const running = find(({ status }) => status?.phase === 'Running');
  await client.create(Pod, {
    metadata: { name, namespace: 'default', labels: { app: 'bench' } },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': NODE },
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'web', image }],
    },
  });
  return (await running) - (await bound);
}
