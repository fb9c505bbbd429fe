import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { Harness } from './testing/harness.ts';

let api: Harness;
const CM = '/api/v1/namespaces/default/configmaps';

before(async () => {
  api = await Harness.start();
});
after(() => api.stop());

/** Opens a watch and collects its frames as `TYPE name`. */
async function watch(line: string, headers: Record<string, string> = {}) {
  const response = await api.raw(line, { headers });
  assert.equal(response.kind, 'watch');
  if (response.kind !== 'watch') throw new Error('no watch');
  const seen: string[] = [];
  // oxlint-disable-next-line typescript/no-explicit-any -- objects of all kinds
  const objects: any[] = [];
  const pump = async (): Promise<void> => {
    for (;;) {
      const batch = response.watcher.take();
      for (const event of batch) {
        const { type, object } = JSON.parse(Buffer.from(response.encoder.frame(event)).toString());
        seen.push(`${type} ${object.metadata?.name ?? object.kind}`);
        objects.push(object);
      }
      if (batch.length === 0 && response.watcher.ended !== undefined) return;
      if (batch.length === 0) await response.watcher.wait();
    }
  };
  const done = pump();
  return { seen, objects, stop: () => (response.watcher.close('stopped'), done) };
}

test('A2 list, then watch from its resourceVersion, misses nothing', async () => {
  const list = await api.ask(`GET ${CM}`);
  await api.make(CM, { metadata: { name: 'w1' } });
  const events = await watch(`GET ${CM}?watch=true&resourceVersion=${list.json.metadata.resourceVersion}`);
  await api.ask(`PATCH ${CM}/w1`, { body: { data: { a: 'b' } }, type: 'application/merge-patch+json' });
  await api.ask(`DELETE ${CM}/w1`);
  await eventually('three events', () => events.seen.length === 3);
  assert.deepEqual(events.seen, ['ADDED w1', 'MODIFIED w1', 'DELETED w1']);
  const versions = events.objects.map((o) => Number(o.metadata.resourceVersion));
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
  await events.stop();
});

test('A2 a watch from a version older than the history is 410 Expired', async () => {
  const answer = await api.ask(`GET ${CM}?watch=true&resourceVersion=1`).catch(() => undefined);
  // The history of this server begins at its first load, revision 1 of an empty store.
  assert.equal(answer, undefined);
  const late = await Harness.start({ store: api.store });
  const refused = await late.ask(`GET ${CM}?watch=true&resourceVersion=2`);
  assert.equal(refused.code, 410);
  assert.equal(refused.json.reason, 'Expired');
  assert.match(refused.json.message, /^too old resource version: 2 \(\d+\)$/);
  await late.stop();
});

test('sendInitialEvents gives what there is, then a bookmark that says so', async () => {
  await api.make(CM, { metadata: { name: 's1', labels: { set: 'initial' } } });
  const query =
    'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=set%3Dinitial';
  const events = await watch(`GET ${CM}?${query}`);
  await eventually('bookmark', () => events.seen.length === 2);
  assert.deepEqual(events.seen, ['ADDED s1', 'BOOKMARK ConfigMap']);
  assert.deepEqual(events.objects[1].metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  await events.stop();
  assert.equal((await api.ask(`GET ${CM}?watch=true&sendInitialEvents=true`)).code, 422);
});

test('a watch by name or labels sees only those; leaving the selection is DELETED', async () => {
  await api.make(CM, { metadata: { name: 'l1', labels: { color: 'red' } } });
  const red = await watch(`GET ${CM}?watch=true&labelSelector=color%3Dred`);
  const one = await watch(`GET ${CM}?watch=true&fieldSelector=metadata.name%3Dl1`);
  const recolor = (color: string) =>
    api.ask(`PATCH ${CM}/l1`, {
      body: { metadata: { labels: { color } } },
      type: 'application/merge-patch+json',
    });
  await recolor('green');
  await recolor('red');
  await api.make(CM, { metadata: { name: 'l2', labels: { color: 'blue' } } });
  await eventually('events', () => red.seen.length === 3 && one.seen.length === 3);
  assert.deepEqual(red.seen, ['ADDED l1', 'DELETED l1', 'ADDED l1']);
  assert.deepEqual(one.seen, ['ADDED l1', 'MODIFIED l1', 'MODIFIED l1']);
  await red.stop();
  await one.stop();
});

test('a table watch sends one-row tables, the columns only in the first', async () => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  await api.make(CM, { metadata: { name: 't1', labels: { set: 'table' } } });
  const events = await watch(`GET ${CM}?watch=true&labelSelector=set%3Dtable`, { accept });
  await api.make(CM, { metadata: { name: 't2', labels: { set: 'table' } } });
  await eventually('two tables', () => events.objects.length === 2);
  assert.equal(events.objects[0].columnDefinitions[0].name, 'Name');
  assert.equal(events.objects[1].columnDefinitions, null);
  assert.deepEqual(
    events.objects.map((t) => t.rows[0].cells[0]),
    ['t1', 't2'],
  );
  await events.stop();
});
