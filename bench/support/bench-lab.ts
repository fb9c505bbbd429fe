import { join } from 'node:path';
import { Deployment, getCondition, Node } from '@kubelab/api';
import { createClient, type KubeClient, loadKubeconfig } from '@kubelab/client';
import { realClock, realRandom, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { TestLab } from '../../tests/support/lab.ts';
import { findBusybox, TEST_IMAGE, writeTestImage } from '../../tests/support/test-image.ts';
import type { BenchContext } from '../core/measure.ts';
import type { DriverName } from './drivers.ts';

const UP_MS = 200_000;
const NODE_BACK_MS = 60_000;

/** A lab of a measure's own, with a client of its API in this process. */
export interface BenchLab {
  readonly lab: TestLab;
  readonly driver: DriverName;
  readonly client: KubeClient;
  /** From the command to its end. */
  readonly readySeconds: number;
}

/** `kubelab up`; the lab goes when the measure ends. */
export async function startLab(context: BenchContext, driver: DriverName): Promise<BenchLab> {
  const lab = new TestLab('bench');
  context.defer(() => lab.remove());
  const startMs = performance.now();
  await lab.ok(['up', '--driver', driver], { timeoutMs: UP_MS });
  const readySeconds = (performance.now() - startMs) / 1000;
  const config = await loadKubeconfig(lab.kubeconfig, { userAgent: 'kubelab-bench' });
  const client = createClient(config, { clock: realClock, random: realRandom, log: silentLogger });
  context.defer(() => client.close());
  return { lab, driver, client, readySeconds };
}

export const SELECTOR = 'app=bench';

/** The image that pods run: real where containers are real. Resolves with its name once every node has it. */
export async function loadImage({ lab, driver }: BenchLab): Promise<string> {
  const busybox = findBusybox();
  if (driver === 'hollow' || busybox === undefined) return TEST_IMAGE;
  const archive = join(lab.home, 'image.tar');
  await writeTestImage(archive, busybox);
  await lab.ok(['load', archive]);
  return TEST_IMAGE;
}

export async function createDeployment(client: KubeClient, image: string, replicas: number): Promise<void> {
  await client.create(Deployment, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'bench', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'bench' } },
      template: {
        metadata: { labels: { app: 'bench' } },
        spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image }] },
      },
    },
  });
}

/** The node is Ready again. */
export async function nodeReady(client: KubeClient, name: string): Promise<void> {
  await eventually(
    `${name} is Ready`,
    async () =>
      getCondition((await client.get(Node, { name })).status?.conditions, 'Ready')?.status === 'True',
    NODE_BACK_MS,
    200,
  );
}
