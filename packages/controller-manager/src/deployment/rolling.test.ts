import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, ReplicaSet } from '@kubelab/api';
import { type Random, seededRandom } from '@kubelab/component-base';
import fc from 'fast-check';
import { sum } from '../shared/objects.ts';
import { rolloutLimits } from './limits.ts';
import { planDeployment } from './plan.ts';
import { newSetReplicas } from './rolling.ts';

const labels = { app: 'web' };
const deploymentOf = (
  replicas: number,
  maxSurge: number | string,
  maxUnavailable: number | string,
): Deployment => ({
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    generation: 1,
  },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'web:0' }] } },
  },
});

const limitCases: [
  replicas: number,
  surge: number | string,
  unavailable: number | string,
  want: [number, number],
][] = [
  [10, '25%', '25%', [3, 2]],
  [3, '25%', '25%', [1, 0]],
  [1, '25%', '25%', [1, 0]],
  [4, 0, '10%', [0, 1]],
  [0, '25%', '25%', [0, 0]],
  [2, 1, 5, [1, 2]],
];
for (const [replicas, surge, unavailable, [maxSurge, maxUnavailable]] of limitCases) {
  test(`of ${replicas} replicas maxSurge ${surge} is ${maxSurge} and maxUnavailable ${unavailable} is ${maxUnavailable}`, () => {
    assert.deepEqual(rolloutLimits(deploymentOf(replicas, surge, unavailable)), { maxSurge, maxUnavailable });
  });
}

test('the new set takes the room that the surge leaves', () => {
  const deployment = deploymentOf(10, 3, 2);
  assert.equal(newSetReplicas(deployment, 0, 10), 3);
  assert.equal(newSetReplicas(deployment, 3, 13), 3);
  assert.equal(newSetReplicas(deployment, 0, 0), 10);
});

/**
 * One cluster: the Deployment's plan is carried out at once; sets, pods and their failures move at random
 * between passes.
 */
class Rollout {
  readonly deployment: Deployment;
  readonly #random: Random;
  sets: ReplicaSet[] = [];
  #images = 0;
  #nowMs = 0;

  constructor(deployment: Deployment, random: Random) {
    this.deployment = deployment;
    this.#random = random;
  }

  size(): number {
    return sum(this.sets, (set) => set.spec.replicas ?? 0);
  }
  /** Pods that still stand after each set has given up its broken ones first. */
  available(): number {
    return sum(this.sets, (set) => Math.min(set.spec.replicas ?? 0, set.status?.availableReplicas ?? 0));
  }

  /** K2, checked around every pass. */
  pass(): void {
    const { maxSurge, maxUnavailable } = rolloutLimits(this.deployment);
    const wanted = this.deployment.spec.replicas ?? 0;
    const before = { size: this.size(), available: this.available() };
    const plan = planDeployment(
      { deployment: this.deployment, sets: this.sets, podsOf: () => [] },
      (this.#nowMs += 1000),
    );
    for (const draft of plan.updates) {
      const set = this.sets.find(({ metadata }) => metadata.uid === draft.set.metadata.uid);
      assert(set !== undefined);
      set.spec.replicas = draft.replicas;
      set.metadata.annotations = draft.annotations;
    }
    if (plan.create !== undefined) {
      const uid = `set-${this.sets.length}`;
      const metadata = {
        ...plan.create.metadata,
        uid,
        resourceVersion: '1',
        creationTimestamp: new Date(this.#nowMs).toISOString(),
      };
      this.sets.push({ ...plan.create, metadata, status: { replicas: 0 } });
    }
    this.deployment.status = plan.status;
    assert(
      this.size() <= Math.max(before.size, wanted + maxSurge),
      `K2: ${this.size()} pods of ${wanted} + ${maxSurge}`,
    );
    assert(
      this.available() >= Math.min(before.available, wanted - maxUnavailable),
      `K2: ${this.available()} available of ${wanted} - ${maxUnavailable}, before ${before.available}`,
    );
  }

  /** A ReplicaSet controller and kubelets do a random part of their work; sometimes a pod breaks. */
  world(mayFail: boolean): void {
    for (const set of this.sets) {
      const wanted = set.spec.replicas ?? 0;
      const status = set.status ?? { replicas: 0 };
      const { availableReplicas: was = 0 } = status;
      const replicas = this.#random.float() < 0.7 ? wanted : status.replicas;
      let available = Math.min(was, replicas);
      if (available < replicas && this.#random.float() < 0.6)
        available += 1 + this.#random.int(replicas - available);
      if (mayFail && available > 0 && this.#random.float() < 0.2) available--;
      set.status = {
        replicas,
        availableReplicas: available,
        readyReplicas: available,
        observedGeneration: 0,
      };
    }
  }

  newImage(): void {
    this.deployment.spec.template = {
      metadata: { labels },
      spec: { containers: [{ name: 'web', image: `web:${++this.#images}` }] },
    };
  }

  isDone(): boolean {
    const { status, spec } = this.deployment;
    const image = spec.template.spec.containers[0]?.image;
    const fresh = this.sets.find((set) => set.spec.template?.spec.containers[0]?.image === image);
    return (
      (status?.availableReplicas ?? 0) === spec.replicas &&
      fresh?.spec.replicas === spec.replicas &&
      this.size() === spec.replicas
    );
  }
}

test('K2 a rollout keeps within maxSurge and maxUnavailable whatever fails on the way, and ends', () => {
  const share = fc.oneof(
    fc.integer({ min: 0, max: 5 }),
    fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      share,
      share,
      fc.integer(),
      (replicas, surge, unavailable, seed) => {
        const random = seededRandom(seed);
        const rollout = new Rollout(deploymentOf(replicas, surge, unavailable), random);
        for (let step = 0; step < 60; step++) {
          if (random.float() < 0.08) rollout.newImage();
          rollout.pass();
          rollout.world(true);
        }
        let calm = 0;
        for (; calm < 400 && !rollout.isDone(); calm++) {
          rollout.pass();
          rollout.world(false);
        }
        assert(rollout.isDone(), `not done after ${calm} calm steps`);
      },
    ),
    { numRuns: 500 },
  );
});
