import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoints, EndpointSlice, type NewObject, Node, Pod, Service } from '@kubelab/api';
import type { FakeKubeClient } from '@kubelab/client/testing';
import fc from 'fast-check';
import { clusterDnsController } from '../cluster-dns/controller.ts';
import { endpointsController } from '../endpoints/controller.ts';
import { startHarness } from '../testing/harness.ts';
import { endpointSliceController } from './controller.ts';
import { ENDPOINTS_MAX, planSlices, type SeenSlice } from './plan.ts';

const labels = { app: 'web' };
const service = (spec: Partial<Service['spec']> = {}): NewObject<Service> => ({
  metadata: { name: 'web', namespace: 'default', uid: 'svc' },
  spec: {
    clusterIP: '10.96.0.1',
    selector: labels,
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    ...spec,
  },
});
interface PodFacts {
  name: string;
  ip?: string;
  ready?: boolean;
  going?: boolean;
  phase?: string;
  port?: number;
}
const podOf = ({
  name,
  ip,
  ready = true,
  going = false,
  phase = 'Running',
  port = 8080,
}: PodFacts): NewObject<Pod> => ({
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    labels,
    ...(going ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
  },
  spec: { nodeName: 'node-1', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }] },
  status: { phase, podIP: ip, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const start = (spec: Partial<Service['spec']>, pods: readonly PodFacts[]) =>
  startHarness((deps) => [endpointSliceController(deps), endpointsController(deps)], {
    prepare: (client) => {
      client.seed(Node, {
        metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'z1' } },
        spec: {},
      });
      client.seed(Service, service(spec));
      client.seed(Pod, ...pods.map(podOf));
    },
  });

const conditions = (client: FakeKubeClient) =>
  client
    .objects(EndpointSlice)
    .flatMap((slice) => slice.endpoints ?? [])
    .map((endpoint) => [
      endpoint.addresses[0],
      endpoint.conditions?.ready,
      endpoint.conditions?.serving,
      endpoint.conditions?.terminating,
    ]);
const ready = (client: FakeKubeClient) =>
  client
    .find(Endpoints, 'default/web')
    ?.subsets?.flatMap((subset) => (subset.addresses ?? []).map(({ ip }) => ip)) ?? [];

const sortedTexts = (texts: (string | undefined)[]) => texts.toSorted((a = '', b = '') => (a < b ? -1 : 1));

test('ready, unready, ending and ended pods each count as upstream counts them', async (t) => {
  const { client, stop } = await start({}, [
    { name: 'a', ip: '10.244.0.1' },
    { name: 'b', ip: '10.244.0.2', ready: false },
    { name: 'c', ip: '10.244.0.3', going: true },
    { name: 'd', ip: '10.244.0.4', phase: 'Succeeded' },
    { name: 'e' },
  ]);
  t.after(stop);
  assert.deepEqual(conditions(client), [
    ['10.244.0.1', true, true, false],
    ['10.244.0.2', false, false, false],
    ['10.244.0.3', false, true, true],
  ]);
  assert.deepEqual(ready(client), ['10.244.0.1']);
  assert.equal(client.find(Endpoints, 'default/web')?.subsets?.[0]?.notReadyAddresses?.length, 1);
  const [slice] = client.objects(EndpointSlice);
  assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'web');
  assert.equal(
    slice?.metadata.labels?.['endpointslice.kubernetes.io/managed-by'],
    'endpointslice-controller.k8s.io',
  );
  assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, 'Service');
  assert.deepEqual(slice?.ports, [{ name: 'http', protocol: 'TCP', port: 8080 }]);
  assert.deepEqual([slice?.endpoints?.[0]?.zone, slice?.endpoints?.[0]?.nodeName], ['z1', 'node-1']);
});

test('publishNotReadyAddresses makes every address ready', async (t) => {
  const { client, stop } = await start({ publishNotReadyAddresses: true }, [
    { name: 'b', ip: '10.244.0.2', ready: false },
  ]);
  t.after(stop);
  assert.deepEqual(conditions(client), [['10.244.0.2', true, false, false]]);
  assert.deepEqual(ready(client), ['10.244.0.2']);
});

test('a named port that differs from pod to pod makes a slice for each number', async (t) => {
  const { client, stop } = await start({}, [
    { name: 'a', ip: '10.244.0.1', port: 8080 },
    { name: 'b', ip: '10.244.0.2', port: 9090 },
  ]);
  t.after(stop);
  const ports = client.objects(EndpointSlice).map((slice) => slice.ports?.[0]?.port);
  assert.deepEqual(
    ports.toSorted((a = 0, b = 0) => a - b),
    [8080, 9090],
  );
});

test('a pod that stops being ready is out of both forms at once, and a deleted Service leaves nothing', async (t) => {
  const { client, quiet, stop } = await start({}, [{ name: 'a', ip: '10.244.0.1' }]);
  t.after(stop);
  client.mutate(Pod, 'default/a', (pod) => {
    pod.status = { ...pod.status, conditions: [{ type: 'Ready', status: 'False' }] };
  });
  await quiet();
  assert.deepEqual(conditions(client), [['10.244.0.1', false, false, false]]);
  assert.deepEqual(ready(client), []);
  client.removeNow(Service, 'default/web');
  await quiet();
  assert.equal(client.objects(EndpointSlice).length + client.objects(Endpoints).length, 0);
});

test('a Service without pods has one empty slice, one without selector none', async (t) => {
  const empty = await start({}, []);
  t.after(empty.stop);
  assert.deepEqual(
    empty.client.objects(EndpointSlice).map((slice) => slice.endpoints ?? []),
    [[]],
  );
  const { client, stop } = await startHarness(
    (deps) => [endpointSliceController(deps), endpointsController(deps)],
    {
      prepare: (fake) => {
        const { selector: _, ...spec } = service().spec;
        fake.seed<Service>(Service, { ...service(), spec });
      },
    },
  );
  t.after(stop);
  assert.equal(client.objects(EndpointSlice).length + client.objects(Endpoints).length, 0);
});

test('EPS-1 EPS-2 slices follow any churn of pods, hold at most 100 each, and rest when nothing changes', () => {
  const podArb = fc.record({
    id: fc.integer({ min: 0, max: 399 }),
    ready: fc.boolean(),
    port: fc.constantFrom(8080, 9090),
  });
  const states = fc.array(fc.uniqueArray(podArb, { selector: ({ id }) => id, maxLength: 260 }), {
    minLength: 1,
    maxLength: 5,
  });
  const svc = {
    ...service(),
    metadata: { ...service().metadata, resourceVersion: '1', creationTimestamp: '' },
  } as Service;
  fc.assert(
    fc.property(states, (history) => {
      let slices: EndpointSlice[] = [];
      const apply = (pods: Pod[]): number => {
        const plan = planSlices(svc, pods, () => undefined, slices);
        const updates = new Map(plan.update.map(({ slice, endpoints }) => [slice.metadata.name, endpoints]));
        const removed = new Set(plan.remove.map((slice: SeenSlice) => slice.metadata.name));
        slices = slices
          .filter(({ metadata }) => !removed.has(metadata.name))
          .map((slice) => ({
            ...slice,
            endpoints: [...(updates.get(slice.metadata.name) ?? slice.endpoints ?? [])],
          }));
        for (const { name, addressType, ports, endpoints } of plan.create) {
          assert(!slices.some(({ metadata }) => metadata.name === name), 'EPS-2');
          const metadata = {
            name,
            namespace: 'default',
            uid: name,
            resourceVersion: '1',
            creationTimestamp: '',
          };
          slices.push({ metadata, addressType, ports: [...ports], endpoints: [...endpoints] });
        }
        return plan.create.length + plan.update.length + plan.remove.length;
      };
      for (const state of history) {
        const pods = state.map(({ id, ready: isReady, port }) =>
          podOf({ name: `p${id}`, ip: `10.244.${id >> 8}.${id & 255}`, ready: isReady, port }),
        ) as Pod[];
        apply(pods);
        const all = slices.flatMap((slice) => slice.endpoints ?? []);
        assert.deepEqual(
          sortedTexts(all.map(({ addresses }) => addresses[0])),
          sortedTexts(pods.map((pod) => pod.status?.podIP)),
        );
        assert(
          slices.every(({ endpoints }) => (endpoints?.length ?? 0) <= ENDPOINTS_MAX),
          'EPS-1',
        );
        assert.equal(apply(pods), 0);
      }
    }),
    { numRuns: 100 },
  );
});

test('DNS-1 kube-dns lists the InternalIPs of Ready nodes, and only those', async (t) => {
  const node = (name: string, address: string, status: string): NewObject<Node> => ({
    metadata: { name },
    spec: {},
    status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status }] },
  });
  const { client, quiet, stop } = await startHarness(
    (deps) => [clusterDnsController(deps, { clusterIp: '10.96.0.10' })],
    {
      prepare: (fake) =>
        void fake.seed(
          Node,
          node('node-1', '10.0.0.1', 'True'),
          node('node-2', '10.0.0.2', 'True'),
          node('node-3', '10.0.0.3', 'Unknown'),
        ),
    },
  );
  t.after(stop);
  const addresses = () =>
    client.find(EndpointSlice, 'kube-system/kube-dns')?.endpoints?.map((endpoint) => endpoint.addresses[0]);
  assert.equal(client.find(Service, 'kube-system/kube-dns')?.spec.clusterIP, '10.96.0.10');
  assert.deepEqual(addresses(), ['10.0.0.1', '10.0.0.2']);
  client.mutate(Node, 'node-1', (object) => {
    object.status = { ...object.status, conditions: [{ type: 'Ready', status: 'Unknown' }] };
  });
  await quiet();
  assert.deepEqual(addresses(), ['10.0.0.2']);
  assert.equal(client.find(Endpoints, 'kube-system/kube-dns')?.subsets?.[0]?.addresses?.length, 1);
});
