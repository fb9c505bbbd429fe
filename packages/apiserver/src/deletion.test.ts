import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Harness, pod } from './testing/harness.ts';

let api: Harness;
const CM = '/api/v1/namespaces/default/configmaps';

before(async () => {
  api = await Harness.start();
  await api.make('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
after(() => api.stop());

test('a plain object goes at once, and the answer is a Status', async () => {
  const made = await api.make(CM, { metadata: { name: 'a' } });
  const gone = await api.ask(`DELETE ${CM}/a`);
  assert.equal(gone.code, 200);
  assert.deepEqual(
    [gone.json.kind, gone.json.status, gone.json.details.uid],
    ['Status', 'Success', made.metadata.uid],
  );
  assert.equal((await api.ask(`GET ${CM}/a`)).code, 404);
});

test('DEL-2 an object with finalizers waits for the last of them', async () => {
  await api.make(CM, { metadata: { name: 'b', finalizers: ['example.com/x'] } });
  const marked = await api.ask(`DELETE ${CM}/b`);
  assert.ok(marked.json.metadata.deletionTimestamp);
  const more = await api.ask(`PATCH ${CM}/b`, {
    body: { metadata: { finalizers: ['example.com/x', 'example.com/y'] } },
    type: 'application/merge-patch+json',
  });
  assert.equal(more.code, 422);
  const freed = await api.ask(`PATCH ${CM}/b`, {
    body: { metadata: { finalizers: null } },
    type: 'application/merge-patch+json',
  });
  assert.equal(freed.code, 200);
  assert.equal((await api.ask(`GET ${CM}/b`)).code, 404);
});

test('a pod on a node is marked with its grace period, and removed by a second delete with none', async () => {
  const path = '/api/v1/namespaces/default/pods';
  const made = await api.make(path, pod('p', { nodeName: 'node-1' }));
  const marked = await api.ask(`DELETE ${path}/p`, {
    body: { gracePeriodSeconds: 20, propagationPolicy: 'Background' },
  });
  assert.equal(marked.json.metadata.deletionGracePeriodSeconds, 20);
  const wrong = await api.ask(`DELETE ${path}/p`, {
    body: { gracePeriodSeconds: 0, preconditions: { uid: 'other' } },
  });
  assert.equal(wrong.code, 409);
  const gone = await api.ask(`DELETE ${path}/p`, {
    body: { gracePeriodSeconds: 0, preconditions: { uid: made.metadata.uid } },
  });
  assert.equal(gone.json.kind, 'Pod');
  assert.equal((await api.ask(`GET ${path}/p`)).code, 404);
});

test('a pod on no node goes at once', async () => {
  const path = '/api/v1/namespaces/default/pods';
  await api.make(path, pod('q'));
  await api.ask(`DELETE ${path}/q`);
  assert.equal((await api.ask(`GET ${path}/q`)).code, 404);
});

test('propagationPolicy adds the finalizer that the garbage collector acts on; two policies are refused', async () => {
  await api.make(CM, { metadata: { name: 'c' } });
  const marked = await api.ask(`DELETE ${CM}/c?propagationPolicy=Foreground`);
  assert.deepEqual(marked.json.metadata.finalizers, ['foregroundDeletion']);
  const both = await api.ask(`DELETE ${CM}/c`, {
    body: { propagationPolicy: 'Orphan', orphanDependents: true },
  });
  assert.equal(both.code, 422);
});

test('dryRun in the body deletes nothing', async () => {
  await api.make(CM, { metadata: { name: 'd' } });
  assert.equal((await api.ask(`DELETE ${CM}/d`, { body: { dryRun: ['All'] } })).code, 200);
  assert.equal((await api.ask(`GET ${CM}/d`)).code, 200);
});

test('a namespace is Terminating until it is finalized; nothing new is made in it meanwhile', async () => {
  await api.make('/api/v1/namespaces', { metadata: { name: 'dying' } });
  const marked = await api.ask('DELETE /api/v1/namespaces/dying');
  assert.equal(marked.json.status.phase, 'Terminating');
  const refused = await api.ask('POST /api/v1/namespaces/dying/configmaps', {
    body: { metadata: { name: 'x' } },
  });
  assert.equal(refused.code, 403);
  assert.equal(refused.json.details.causes[0].reason, 'NamespaceTerminating');
  const final = { ...marked.json, spec: { finalizers: [] } };
  assert.equal((await api.ask('PUT /api/v1/namespaces/dying/finalize', { body: final })).code, 200);
  assert.equal((await api.ask('GET /api/v1/namespaces/dying')).code, 404);
  assert.equal((await api.ask('DELETE /api/v1/namespaces/kube-system')).code, 403);
});

test('deletecollection deletes what the selectors choose', async () => {
  for (const [name, color] of [
    ['r1', 'red'],
    ['r2', 'red'],
    ['g1', 'green'],
  ])
    await api.make(CM, { metadata: { name, labels: { color } } });
  const gone = await api.ask(`DELETE ${CM}?labelSelector=color%3Dred`);
  assert.equal(gone.json.items.length, 2);
  assert.equal((await api.ask(`GET ${CM}/g1`)).code, 200);
  assert.equal((await api.ask(`GET ${CM}/r1`)).code, 404);
});

test('eviction spends the disruption budget, then answers 429', async () => {
  const pods = '/api/v1/namespaces/default/pods';
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';
  const labels = { app: 'guarded' };
  for (const name of ['e1', 'e2']) {
    const made = await api.make(pods, pod(name, { nodeName: 'node-1' }, { labels }));
    const status = { ...made.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await api.ask(`PUT ${pods}/${name}/status`, { body: { ...made, status } });
  }
  const budget = await api.make(budgets, {
    metadata: { name: 'b' },
    spec: { minAvailable: 1, selector: { matchLabels: labels } },
  });
  const status = {
    observedGeneration: budget.metadata.generation,
    disruptionsAllowed: 1,
    currentHealthy: 2,
    desiredHealthy: 1,
    expectedPods: 2,
  };
  assert.equal((await api.ask(`PUT ${budgets}/b/status`, { body: { ...budget, status } })).code, 200);
  const evict = (name: string) =>
    api.ask(`POST ${pods}/${name}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } },
    });
  assert.equal((await evict('e1')).code, 201);
  assert.ok((await api.ask(`GET ${pods}/e1`)).json.metadata.deletionTimestamp);
  const blocked = await evict('e2');
  assert.equal(blocked.code, 429);
  assert.equal(blocked.json.details.causes[0].reason, 'DisruptionBudget');
  assert.match(blocked.json.message, /^Cannot evict pod as it would violate the pod's disruption budget\./);
  assert.equal((await api.ask(`GET ${budgets}/b`)).json.status.disruptionsAllowed, 0);
});
