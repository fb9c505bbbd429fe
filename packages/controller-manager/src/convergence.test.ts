import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deployment, Endpoints, type NewObject, Pod, ReplicaSet, Service } from '@kubelab/api';
import { rfc3339, seededRandom } from '@kubelab/component-base';
import fc from 'fast-check';
import { deploymentController } from './deployment/controller.ts';
import { endpointSliceController } from './endpoint-slice/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { replicaSetController } from './replica-set/controller.ts';
import { type Harness, podSpec, startHarness } from './testing/harness.ts';

const labels = { app: 'web' };
const web: NewObject<Deployment> = {
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas: 3,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: podSpec },
    revisionHistoryLimit: 2,
    progressDeadlineSeconds: 600,
  },
};
const service: NewObject<Service> = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIP: '10.96.0.1', selector: labels, ports: [{ port: 80, targetPort: 80 }] },
};

async function start(seed: number, leaders: number): Promise<Harness> {
  const stop = new AbortController();
  const harness = await startHarness(
    (deps) => [
      deploymentController(deps),
      replicaSetController(deps),
      endpointsController(deps),
      endpointSliceController(deps),
      garbageCollector(deps, { signal: stop.signal }),
    ],
    {
      seed,
      leaders,
      gracefulPods: true,
      prepare: (client) => {
        client.seed(Deployment, web);
        client.seed(Service, service);
      },
    },
  );
  return {
    ...harness,
    stop: () => {
      stop.abort(new Error('test is over'));
      harness.stop();
    },
  };
}

/** Kubelets: start what is new, end what is going; `share` of them get to it this time. */
function kubelets({ client, clock }: Harness, share: () => boolean): void {
  for (const pod of client.objects(Pod)) {
    const key = `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (!share()) continue;
    if (pod.metadata.deletionTimestamp !== undefined) client.removeNow(Pod, key);
    else if (pod.status?.phase === undefined) {
      client.mutate(Pod, key, (object) => {
        const condition = { type: 'Ready', status: 'True', lastTransitionTime: rfc3339(clock.now()) };
        object.spec.nodeName = 'node-1';
        object.status = {
          phase: 'Running',
          podIP: `10.244.0.${1 + (Number.parseInt(object.metadata.uid, 16) % 250)}`,
          conditions: [condition],
        };
      });
    }
  }
}

const actions = [
  'scale',
  'image',
  'delete pod',
  'fail pod',
  'delete set',
  'orphan pod',
  'pause',
  'resume',
  'time',
] as const;

async function act(harness: Harness, action: (typeof actions)[number], luck: number): Promise<void> {
  const { client } = harness;
  const pick = <T>(items: T[]): T | undefined => items[luck % Math.max(1, items.length)];
  const edit = (change: (deployment: Deployment) => void) =>
    void client.mutate(Deployment, 'default/web', change);
  const pod = pick(client.objects(Pod));
  const set = pick(client.objects(ReplicaSet));
  const podKey = `default/${pod?.metadata.name}`;
  if (action === 'scale') edit(({ spec }) => void (spec.replicas = luck % 8));
  if (action === 'image')
    edit(({ spec }) => void (spec.template.spec.containers = [{ name: 'web', image: `web:${luck % 4}` }]));
  if (action === 'pause' || action === 'resume') edit(({ spec }) => void (spec.paused = action === 'pause'));
  if (action === 'delete pod' && pod !== undefined)
    await client.delete(Pod, { namespace: 'default', name: pod.metadata.name });
  if (action === 'fail pod' && pod !== undefined)
    client.mutate(Pod, podKey, (object) => void (object.status = { phase: 'Failed' }));
  if (action === 'orphan pod' && pod !== undefined)
    client.mutate(Pod, podKey, ({ metadata }) => void (metadata.ownerReferences = []));
  if (action === 'delete set' && set !== undefined)
    await client.delete(ReplicaSet, { namespace: 'default', name: set.metadata.name });
  if (action === 'time') await harness.pass(1_000 * (luck % 60));
}

for (const [id, leaders] of [
  ['K1', 1],
  ['K4', 2],
] as const) {
  test(`${id} after any edits and losses ${leaders} leader(s) bring everything to what is wanted, and then to rest`, async () => {
    const step = fc.tuple(fc.constantFrom(...actions), fc.nat(1000));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), fc.nat(), async (steps, seed) => {
        const random = seededRandom(seed);
        const harness = await start(seed, leaders);
        const { client } = harness;
        for (const [action, luck] of steps) {
          await act(harness, action, luck);
          if (random.float() < 0.6) await harness.quiet();
          kubelets(harness, () => random.float() < 0.5);
        }
        await act(harness, 'resume', 0);
        for (let round = 0; round < 40; round++) {
          await harness.pass(2_000);
          kubelets(harness, () => true);
        }
        await harness.pass(60_000);
        client.clearActions();
        await harness.pass(60_000);
        assert.deepEqual(client.writes(), [], `${id}: not at rest`);

        const deployment = client.find(Deployment, 'default/web');
        const wanted = deployment?.spec.replicas;
        const image = deployment?.spec.template.spec.containers[0]?.image;
        const running = client.objects(Pod).filter(({ status }) => status?.phase === 'Running');
        // A pod that lost its owner together with the set that could have adopted it belongs to nobody now.
        const owned = running.filter(({ metadata }) => (metadata.ownerReferences ?? []).length > 0);
        assert.equal(owned.length, wanted, `${id}: pods`);
        assert(
          owned.every(({ spec }) => spec.containers[0]?.image === image),
          `${id}: an old image runs`,
        );
        assert.equal(deployment?.status?.availableReplicas ?? 0, wanted);
        const subsets = client.find(Endpoints, 'default/web')?.subsets ?? [];
        const addresses = subsets.flatMap((subset) => subset.addresses ?? []);
        assert.equal(addresses.length, running.length, `${id}: endpoints`);
        harness.stop();
      }),
      { numRuns: 40 },
    );
  });
}
