import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatus } from '../errors.ts';
import type { Pod, Service, ServiceSpec } from '../generated/types.ts';
import type { KubeObject } from '../meta.ts';
import { gracePeriodOf, isReadyToRemove, planDeletion, prepareForCreate, prepareForUpdate } from './index.ts';

const pods = { group: '', resource: 'pods', kind: 'Pod', hasStatus: true };
const deployments = { group: 'apps', resource: 'deployments', kind: 'Deployment', hasStatus: true };
const configMaps = { group: '', resource: 'configmaps', kind: 'ConfigMap', hasStatus: false };
const namespaces = { group: '', resource: 'namespaces', kind: 'Namespace', hasStatus: true };
const services = { group: '', resource: 'services', kind: 'Service', hasStatus: true };
const jobs = { group: 'batch', resource: 'jobs', kind: 'Job', hasStatus: true };
const NOW = Date.parse('2026-01-31T09:00:00Z');

const meta = {
  name: 'x',
  namespace: 'ns',
  uid: 'u1',
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
};
const object = (
  fields: object,
  metadata: object = {},
): KubeObject & { spec?: unknown; status?: unknown } => ({
  ...structuredClone(fields),
  metadata: { ...meta, ...metadata },
});
const pod = (spec: Partial<Pod['spec']> = {}, metadata: object = {}) =>
  object({ spec: { containers: [], terminationGracePeriodSeconds: 30, nodeName: 'n1', ...spec } }, metadata);

test('STR-1 a creator cannot write the status, only the server begins it', () => {
  const created = pod();
  created.status = { phase: 'Running' };
  prepareForCreate(pods, created);
  assert.deepEqual(created.status, { phase: 'Pending', qosClass: 'BestEffort' });
  assert.equal(created.metadata.generation, 1);
  const map = object({ data: {} });
  prepareForCreate(configMaps, map);
  assert.equal('status' in map, false);
  assert.equal('generation' in map.metadata, false);
});

test('a gated pod says so from the start', () => {
  const created = pod({ schedulingGates: [{ name: 'wait' }] });
  prepareForCreate(pods, created);
  assert.equal((created as unknown as Pod).status?.conditions?.[0]?.reason, 'SchedulingGated');
});

test('STR-1 STR-2 the main endpoint keeps the status and counts the change of spec', () => {
  const old = object({ spec: { replicas: 1 }, status: { replicas: 1 } }, { generation: 4 });
  const same = object({ spec: { replicas: 1 }, status: { replicas: 9 } }, { labels: { a: 'b' } });
  prepareForUpdate(deployments, same, old);
  assert.deepEqual([same.status, same.metadata.generation], [{ replicas: 1 }, 4]);
  const changed = object({ spec: { replicas: 2 } });
  prepareForUpdate(deployments, changed, old);
  assert.deepEqual([changed.status, changed.metadata.generation], [{ replicas: 1 }, 5]);
});

test('STR-1 STR-2 /status keeps the spec and the generation', () => {
  const old = object(
    { spec: { replicas: 1 }, status: { replicas: 1 } },
    { generation: 4, labels: { a: '1' } },
  );
  const update = object(
    { spec: { replicas: 7 }, status: { replicas: 2 } },
    { generation: 9, labels: { a: '2' } },
  );
  prepareForUpdate(deployments, update, old, 'status');
  assert.deepEqual(update, {
    ...old,
    status: { replicas: 2 },
    metadata: { ...old.metadata, ownerReferences: undefined },
  });
});

test('STR-3 identity and deletion marks come from the stored object', () => {
  const old = object({}, { deletionTimestamp: '2026-01-31T09:00:00Z', deletionGracePeriodSeconds: 30 });
  const update = object({}, { uid: 'other', creationTimestamp: '2000-01-01T00:00:00Z' });
  prepareForUpdate(configMaps, update, old);
  assert.deepEqual(update.metadata, old.metadata);
});

test('a namespace gets its finalizer and its name as a label', () => {
  const namespace = object({});
  prepareForCreate(namespaces, namespace);
  assert.deepEqual(namespace.spec, { finalizers: ['kubernetes'] });
  assert.deepEqual(namespace.metadata.labels, { 'kubernetes.io/metadata.name': 'x' });
  const emptied = object({ spec: { finalizers: [] } });
  prepareForUpdate(namespaces, emptied, namespace);
  assert.deepEqual(emptied.spec, { finalizers: ['kubernetes'] });
  prepareForUpdate(namespaces, Object.assign(emptied, { spec: { finalizers: [] } }), namespace, 'finalize');
  assert.deepEqual(emptied.spec, { finalizers: [] });
});

test('a job without a selector gets one of its own', () => {
  const job = object({ spec: { template: { spec: { containers: [] } } } });
  prepareForCreate(jobs, job);
  assert.deepEqual((job.spec as { selector: unknown }).selector, {
    matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' },
  });
});

test('a service keeps what was allocated, and loses what its type no longer has', () => {
  const stored: ServiceSpec = {
    type: 'NodePort',
    clusterIP: '10.96.0.5',
    clusterIPs: ['10.96.0.5'],
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    externalTrafficPolicy: 'Cluster',
    ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30_001 }],
  };
  const update = (spec: ServiceSpec) => {
    const service = object({ spec }) as Service;
    prepareForUpdate(services, service, object({ spec: stored }));
    return service.spec;
  };
  const kept = update({ type: 'NodePort', ports: [{ name: 'http', port: 81, protocol: 'TCP' }] });
  assert.deepEqual(
    [kept.clusterIP, kept.clusterIPs, kept.ports?.[0]?.nodePort],
    ['10.96.0.5', ['10.96.0.5'], 30_001],
  );
  const inside = update({ ...structuredClone(stored), type: 'ClusterIP' });
  assert.deepEqual(
    [inside.clusterIP, inside.ports?.[0]?.nodePort, inside.externalTrafficPolicy],
    ['10.96.0.5', undefined, undefined],
  );
  const alias = update({ ...structuredClone(stored), type: 'ExternalName', externalName: 'a.b' });
  assert.deepEqual([alias.clusterIP, alias.clusterIPs, alias.ipFamilies], [undefined, undefined, undefined]);
});

test('grace is for pods that run somewhere', () => {
  const cases: [given: KubeObject, asked: number | undefined, want: number][] = [
    [pod(), undefined, 30],
    [pod(), 5, 5],
    [pod(), 0, 0],
    [pod(), -1, 1],
    [pod({ nodeName: '' }), 5, 0],
    [object({ spec: { nodeName: 'n1' }, status: { phase: 'Failed' } }), 5, 0],
  ];
  for (const [given, asked, want] of cases) assert.equal(gracePeriodOf(pods, given, asked), want);
  assert.equal(gracePeriodOf(configMaps, object({}), 5), 0);
});

test('DEL-1 a pod is marked first; a second delete can only shorten its time', () => {
  const first = planDeletion(pods, pod({}, { generation: 1 }), {}, NOW);
  assert(first.action === 'mark');
  assert.equal(first.object.metadata.deletionTimestamp, '2026-01-31T09:00:30Z');
  assert.equal(first.object.metadata.generation, 2);
  assert.equal(planDeletion(pods, first.object, { gracePeriodSeconds: 60 }, NOW).action, 'none');
  const second = planDeletion(pods, first.object, { gracePeriodSeconds: 10 }, NOW);
  assert(second.action === 'mark');
  assert.equal(second.object.metadata.deletionTimestamp, '2026-01-31T09:00:10Z');
  assert.equal(planDeletion(pods, first.object, { gracePeriodSeconds: 0 }, NOW).action, 'remove');
});

test('DEL-2 finalizers hold an object back, whatever grace was asked', () => {
  const held = object({}, { finalizers: ['example.com/x'] });
  const plan = planDeletion(configMaps, held, { gracePeriodSeconds: 0 }, NOW);
  assert(plan.action === 'mark');
  assert.equal(plan.object.metadata.deletionGracePeriodSeconds, 0);
  assert.equal(isReadyToRemove(configMaps, plan.object), false);
  assert.equal(isReadyToRemove(configMaps, object({}, { ...plan.object.metadata, finalizers: [] })), true);
  assert.equal(planDeletion(configMaps, object({}), {}, NOW).action, 'remove');
});

test('propagation policies become finalizers', () => {
  const finalizers = (rt: typeof jobs, options: object) => {
    const plan = planDeletion(rt, object({}), options, NOW);
    return plan.action === 'mark' ? plan.object.metadata.finalizers : plan.action;
  };
  assert.deepEqual(finalizers(deployments, { propagationPolicy: 'Orphan' }), ['orphan']);
  assert.deepEqual(finalizers(deployments, { propagationPolicy: 'Foreground' }), ['foregroundDeletion']);
  assert.equal(finalizers(deployments, { propagationPolicy: 'Background' }), 'remove');
  assert.equal(finalizers(deployments, {}), 'remove');
  assert.deepEqual(finalizers(jobs, {}), ['orphan']);
  assert.deepEqual(finalizers(deployments, { orphanDependents: true }), ['orphan']);
  assert.throws(
    () => finalizers(deployments, { orphanDependents: true, propagationPolicy: 'Orphan' }),
    (err) => isStatus(err, 'Invalid'),
  );
});

test('a namespace turns Terminating and goes only when it is empty', () => {
  const namespace = object({ spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  const plan = planDeletion(namespaces, namespace, {}, NOW);
  assert(plan.action === 'mark');
  assert.deepEqual((plan.object as typeof namespace).status, { phase: 'Terminating' });
  assert.equal(isReadyToRemove(namespaces, plan.object), false);
  assert.equal(planDeletion(namespaces, plan.object, {}, NOW).action, 'none');
  assert.equal(isReadyToRemove(namespaces, object({ spec: {} }, plan.object.metadata)), true);
});
