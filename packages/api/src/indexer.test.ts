import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Indexer } from './indexer.ts';
import type { KubeObject } from './meta.ts';

const object = (
  name: string,
  namespace: string,
  labels: Record<string, string> = {},
  owner?: string,
): KubeObject => ({
  metadata: {
    name,
    namespace,
    labels,
    uid: `${namespace}-${name}`,
    resourceVersion: '1',
    creationTimestamp: '',
    ...(owner !== undefined && {
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: owner, uid: owner, controller: true }],
    }),
  },
});

test('objects are found by key, namespace, owner and index', () => {
  const indexer = new Indexer({
    app: (o: KubeObject) => (o.metadata.labels?.app ? [o.metadata.labels.app] : []),
  });
  indexer.upsert(object('a', 'x', { app: 'web' }, 'rs'));
  indexer.upsert(object('b', 'y', { app: 'web' }));
  assert.equal(indexer.get('x/a')?.metadata.name, 'a');
  assert.deepEqual(
    indexer.byNamespace('x').map((o) => o.metadata.name),
    ['a'],
  );
  assert.deepEqual(
    indexer.byOwner('rs').map((o) => o.metadata.name),
    ['a'],
  );
  assert.deepEqual(
    indexer.byIndex('app', 'web').map((o) => o.metadata.name),
    ['a', 'b'],
  );
  indexer.upsert(object('a', 'x', { app: 'db' }));
  assert.deepEqual(
    indexer.byIndex('app', 'web').map((o) => o.metadata.name),
    ['b'],
  );
  assert.deepEqual(indexer.byOwner('rs'), []);
  assert.throws(() => indexer.byIndex('none', 'x'));
});

test('IDX-1 every index holds exactly what its function says, after any changes', () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const step = fc.record({ name, namespace: fc.constantFrom('x', 'y'), app: name, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const indexer = new Indexer({ app: (o: KubeObject) => [o.metadata.labels?.app ?? ''] });
      for (const { name, namespace, app, remove } of steps) {
        if (remove) indexer.delete(`${namespace}/${name}`);
        else indexer.upsert(object(name, namespace, { app }));
      }
      for (const value of ['a', 'b', 'c']) {
        const want = indexer.list().filter((o) => o.metadata.labels?.app === value);
        assert.deepEqual(new Set(indexer.byIndex('app', value)), new Set(want));
      }
    }),
  );
});
