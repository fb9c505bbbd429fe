import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, type OwnerReference } from '@kubelab/api';
import type { FakeKubeClient } from '@kubelab/client/testing';
import fc from 'fast-check';
import { type Harness, startHarness } from '../testing/harness.ts';
import { garbageCollector } from './controller.ts';

const uidOf = (name: string) => `uid-${name}`;
const ref = (name: string, blockOwnerDeletion = true, uid = uidOf(name)): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name,
  uid,
  blockOwnerDeletion,
});
const seed = (client: FakeKubeClient, name: string, owners: OwnerReference[]) =>
  client.seed(ConfigMap, {
    metadata: {
      name,
      namespace: 'default',
      uid: uidOf(name),
      ...(owners.length === 0 ? {} : { ownerReferences: owners }),
    },
  });

async function start(objects: Record<string, OwnerReference[]>): Promise<Harness> {
  const stop = new AbortController();
  const harness = await startHarness((deps) => [garbageCollector(deps, { signal: stop.signal })], {
    prepare: (client) => {
      for (const [name, owners] of Object.entries(objects)) seed(client, name, owners);
    },
  });
  await harness.pass(1_000);
  return {
    ...harness,
    stop: () => {
      stop.abort(new Error('test is over'));
      harness.stop();
    },
  };
}

const names = (client: FakeKubeClient) =>
  client
    .objects(ConfigMap)
    .map(({ metadata }) => metadata.name)
    .toSorted();
const remove = async (
  { client, pass }: Harness,
  name: string,
  propagationPolicy?: 'Orphan' | 'Foreground',
) => {
  await client.delete(
    ConfigMap,
    { namespace: 'default', name },
    propagationPolicy === undefined ? {} : { propagationPolicy },
  );
  await pass(500);
};

test('the dependents of a deleted owner go, down to the last grandchild', async (t) => {
  const harness = await start({ a: [], b: [ref('a')], c: [ref('b')], other: [] });
  t.after(harness.stop);
  await remove(harness, 'a');
  assert.deepEqual(names(harness.client), ['other']);
});

test('an object whose owner was gone before we started goes too', async (t) => {
  const { client, stop } = await start({ b: [ref('never-was')], c: [] });
  t.after(stop);
  assert.deepEqual(names(client), ['c']);
});

test('K3 an owner under the same name with another uid is another owner', async (t) => {
  const { client, stop } = await start({ a: [], b: [ref('a', true, 'uid-of-a-former-a')] });
  t.after(stop);
  assert.deepEqual(names(client), ['a']);
});

test('K3 with one owner alive the object stays, and forgets the dead ones', async (t) => {
  const harness = await start({ a: [], b: [], c: [ref('a'), ref('b')] });
  t.after(harness.stop);
  await remove(harness, 'a');
  assert.deepEqual(names(harness.client), ['b', 'c']);
  const owners = harness.client.find(ConfigMap, 'default/c')?.metadata.ownerReferences;
  assert.deepEqual(
    owners?.map(({ name }) => name),
    ['b'],
  );
});

test('K3 an owner of a kind nobody serves counts as alive', async (t) => {
  const { client, pass, stop } = await start({
    b: [{ ...ref('x'), apiVersion: 'example.com/v1', kind: 'Thing' }],
  });
  t.after(stop);
  await pass(60_000);
  assert.deepEqual(names(client), ['b']);
});

test('Orphan lets the dependents go and keeps them', async (t) => {
  const harness = await start({ a: [], b: [ref('a')] });
  t.after(harness.stop);
  await remove(harness, 'a', 'Orphan');
  assert.deepEqual(names(harness.client), ['b']);
  assert.deepEqual(harness.client.find(ConfigMap, 'default/b')?.metadata.ownerReferences ?? [], []);
});

test('Foreground deletes the dependents first; one that does not block is not waited for', async (t) => {
  const harness = await start({ a: [], b: [ref('a')], c: [ref('a', false)] });
  t.after(harness.stop);
  harness.client.mutate(ConfigMap, 'default/b', (object) => {
    object.metadata.finalizers = ['example.com/hold'];
  });
  await remove(harness, 'a', 'Foreground');
  assert.deepEqual(names(harness.client), ['a', 'b']);
  harness.client.removeNow(ConfigMap, 'default/b');
  await harness.pass(500);
  assert.deepEqual(names(harness.client), []);
});

test('two that own each other do not wait for each other for ever', async (t) => {
  const harness = await start({ a: [ref('b')], b: [ref('a')] });
  t.after(harness.stop);
  await remove(harness, 'a', 'Foreground');
  await harness.pass(5_000);
  assert.deepEqual(names(harness.client), []);
});

test('K3 random owner graphs: nothing with a live owner is deleted, nothing whose owners are all gone stays', async () => {
  const index = fc.integer({ min: 0, max: 7 });
  const graph = fc.array(
    fc.array(fc.tuple(index, fc.boolean(), fc.integer({ min: 0, max: 9 })), { maxLength: 3 }),
    {
      minLength: 2,
      maxLength: 8,
    },
  );
  const deletions = fc.array(
    fc.tuple(index, fc.constantFrom(undefined, 'Orphan' as const, 'Foreground' as const)),
    { maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(graph, deletions, async (shape, toDelete) => {
      const objects: Record<string, OwnerReference[]> = {};
      for (const [i, owners] of shape.entries()) {
        const unique = new Map(owners.map(([to, block, luck]) => [to, { block, luck }]));
        objects[`o${i}`] = [...unique].map(([to, { block, luck }]) =>
          ref(`o${to}`, block, luck === 0 ? `stale-${to}` : uidOf(`o${to}`)),
        );
      }
      const harness = await start({});
      const { client } = harness;
      const isAlive = ({ name, uid }: OwnerReference) =>
        client.find(ConfigMap, `default/${name}`)?.metadata.uid === uid;
      let byUser = true;
      client.intercept((action) => {
        if (action.verb !== 'delete' || byUser) return undefined;
        const owners = client.find(ConfigMap, `default/${action.name}`)?.metadata.ownerReferences ?? [];
        const solid = owners.filter((owner) => {
          const found = client.find(ConfigMap, `default/${owner.name}`);
          return isAlive(owner) && !(found?.metadata.finalizers?.includes('foregroundDeletion') ?? false);
        });
        assert(owners.length > 0, `K3: ${action.name} never had an owner`);
        assert.deepEqual(solid, [], `K3: ${action.name} has a live owner`);
        return undefined;
      });
      for (const [name, owners] of Object.entries(objects)) seed(client, name, owners);
      byUser = false;
      await harness.pass(1_000);
      for (const [i, propagationPolicy] of toDelete) {
        if (client.find(ConfigMap, `default/o${i}`) === undefined) continue;
        byUser = true;
        const deletion = client.delete(
          ConfigMap,
          { namespace: 'default', name: `o${i}` },
          propagationPolicy === undefined ? {} : { propagationPolicy },
        );
        await deletion.finally(() => {
          byUser = false;
        });
        await harness.pass(1_000);
      }
      await harness.pass(20_000);
      harness.stop();
      for (const { metadata } of client.objects(ConfigMap)) {
        const owners = metadata.ownerReferences ?? [];
        assert(owners.length === 0 || owners.some(isAlive), `${metadata.name} outlived its owners`);
      }
    }),
    { numRuns: 150 },
  );
});
