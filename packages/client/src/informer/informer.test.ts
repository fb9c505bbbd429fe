import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigMap, errors } from '@kubelab/api';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { failing, FakeKubeClient } from '../testing/index.ts';
import { TransportError } from '../transport/transport.ts';
import { createInformerFactory } from './factory.ts';

function setUp() {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const informers = createInformerFactory(client, { clock, random: seededRandom(1), log: silentLogger });
  const maps = informers.of(ConfigMap);
  const told: string[] = [];
  maps.addHandler({
    onAdd: ({ metadata, data }, isInitial) =>
      told.push(`+${metadata.name}=${data?.['x'] ?? ''}${isInitial ? '!' : ''}`),
    onUpdate: (old, map) =>
      told.push(`~${map.metadata.name}:${old.data?.['x'] ?? ''}>${map.data?.['x'] ?? ''}`),
    onDelete: ({ metadata }) => told.push(`-${metadata.name}`),
  });
  const stop = new AbortController();
  const map = (name: string, x = '') => ({ metadata: { name }, data: { x } });
  const lists = () => client.actions.filter(({ verb }) => verb === 'list').length;
  return { clock, client, informers, maps, told, stop, map, lists };
}

test('INF-1 INF-2 the first list is told as initial, what follows as it happens', async () => {
  const { clock, client, informers, maps, told, stop, map } = setUp();
  client.seed(ConfigMap, map('a', '1'));
  informers.start(stop.signal);
  assert.equal(maps.hasSynced(), false);
  await informers.waitForSync();
  assert.equal(maps.hasSynced(), true);
  assert.deepEqual(told, ['+a=1!']);
  await clock.advance(1);
  client.seed(ConfigMap, map('b', '1'));
  client.mutate(ConfigMap, 'default/a', (object) => (object.data = { x: '2' }));
  client.removeNow(ConfigMap, 'default/b');
  await clock.advance(1);
  assert.deepEqual(told, ['+a=1!', '+b=1', '~a:1>2', '-b']);
  assert.equal(maps.get('default/a')?.data?.['x'], '2');
  assert.equal(maps.byNamespace('default').length, 1);
  stop.abort();
});

for (const [name, error] of [
  ['ended by the server', undefined],
  ['lost', new TransportError('https://a', 'reset', { maybeSent: true })],
] as const) {
  test(`REFL-1 after a watch was ${name} it goes on without a list and without repeating`, async () => {
    const { clock, client, informers, told, stop, map, lists } = setUp();
    client.seed(ConfigMap, map('a', '1'));
    informers.start(stop.signal);
    await clock.advance(1);
    client.dropWatches(error);
    client.mutate(ConfigMap, 'default/a', (object) => (object.data = { x: '2' }));
    client.seed(ConfigMap, map('b'));
    await clock.advance(200);
    assert.deepEqual(told, ['+a=1!', '~a:1>2', '+b=']);
    assert.equal(lists(), 1);
    assert.equal(client.watchCount, 1);
    stop.abort();
  });
}

test('REFL-2 when the history is gone it lists anew and tells only the difference', async () => {
  const { clock, client, informers, told, stop, map, lists } = setUp();
  client.seed(ConfigMap, map('same', '1'), map('changed', '1'), map('gone', '1'), map('reborn', '1'));
  informers.start(stop.signal);
  await clock.advance(1);
  told.length = 0;
  client.dropWatches();
  client.mutate(ConfigMap, 'default/changed', (object) => (object.data = { x: '2' }));
  client.removeNow(ConfigMap, 'default/gone');
  client.removeNow(ConfigMap, 'default/reborn');
  client.seed(ConfigMap, map('new', '1'), map('reborn', '2'));
  client.forgetHistory();
  await clock.advance(500);
  assert.equal(lists(), 2);
  assert.deepEqual(told.toSorted(), ['+new=1', '+reborn=2', '-gone', '-reborn', '~changed:1>2']);
  client.mutate(ConfigMap, 'default/new', (object) => (object.data = { x: '3' }));
  await clock.advance(1);
  assert.equal(told.at(-1), '~new:1>3', 'and watches again');
  stop.abort();
});

test('INF-1 a duplicate event is told once', async () => {
  const { clock, client, informers, maps, told, stop, map } = setUp();
  client.seed(ConfigMap, map('a', '1'));
  const watch = client.watch.bind(client);
  client.watch = async function* (type, options) {
    for await (const event of watch(type, options)) {
      yield event;
      yield event;
    }
  };
  informers.start(stop.signal);
  await clock.advance(1);
  client.seed(ConfigMap, map('b', '1'));
  client.mutate(ConfigMap, 'default/a', (object) => (object.data = { x: '2' }));
  client.removeNow(ConfigMap, 'default/b');
  await clock.advance(1);
  assert.deepEqual(told, ['+a=1!', '+b=1', '~a:1>2', '-b']);
  assert.equal(maps.list().length, 1);
  stop.abort();
});

test('REFL-3 a failing server is asked again with growing pauses, and not asked while nothing is wrong', async () => {
  const { clock, client, informers, maps, stop } = setUp();
  client.intercept(failing({ verb: 'list' }, errors.serviceUnavailable('starting'), 6));
  informers.start(stop.signal);
  await clock.advance(40);
  const early = client.actions.length;
  await clock.advance(500);
  const middle = client.actions.length;
  assert.ok(early <= 2 && middle <= 6, `${early} ${middle}`);
  await clock.advance(10_000);
  assert.equal(maps.hasSynced(), true);
  client.clearActions();
  await clock.advance(60_000);
  assert.equal(client.actions.length, 0);
  assert.equal(clock.pendingTimers, 0);
  stop.abort();
});

test('a collection longer than a page is read whole', async () => {
  const { clock, client, informers, maps, stop, map } = setUp();
  for (let i = 0; i < 1201; i++) client.seed(ConfigMap, map(`m-${i}`));
  informers.start(stop.signal);
  await clock.advance(1);
  assert.equal(maps.list().length, 1201);
  stop.abort();
});

test('one informer for a resource and scope, indexes answer, a late handler hears all', async () => {
  const { clock, client, informers, maps, stop, map } = setUp();
  assert.equal(informers.of(ConfigMap), maps);
  const scope = { fieldSelector: 'metadata.name=a' };
  const filtered = informers.filtered(ConfigMap, scope);
  assert.equal(informers.filtered(ConfigMap, scope), filtered);
  assert.notEqual(filtered, maps);
  maps.addIndex('x', (object) => [object.data?.['x'] ?? '']);
  client.seed(ConfigMap, map('a', '1'), map('b', '1'));
  informers.start(stop.signal);
  await clock.advance(1);
  assert.equal(maps.byIndex('x', '1').length, 2);
  assert.deepEqual(
    filtered.list().map(({ metadata }) => metadata.name),
    ['a'],
  );
  const late: string[] = [];
  maps.addHandler({ onAdd: ({ metadata }) => late.push(metadata.name) });
  assert.deepEqual(late, ['a', 'b']);
  stop.abort();
});
