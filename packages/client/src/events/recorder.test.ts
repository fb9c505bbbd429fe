import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, Event, type Pod } from '@kubelab/api';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { failing, FakeKubeClient } from '../testing/index.ts';
import { TransportError } from '../transport/transport.ts';
import { createEventRecorder } from './recorder.ts';

function setUp() {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const options = { component: 'default-scheduler', clock, random: seededRandom(1), log: silentLogger };
  const recorder = createEventRecorder(client, options);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u1', resourceVersion: '5' },
  };
  const raise = async (message: string, about: Pick<Pod, 'kind'> & { metadata: object } = pod) => {
    recorder.event(about, 'Warning', 'FailedScheduling', message);
    await clock.advance(0);
  };
  return { clock, client, raise, pod };
}

test('an event names the object, the component and the times', async () => {
  const { client, raise } = setUp();
  await raise('no room');
  const [event] = client.objects(Event);
  assert.match(event?.metadata.name ?? '', /^web\.[0-9a-f]{16}$/);
  assert.equal(event?.metadata.namespace, 'shop');
  assert.deepEqual(event?.involvedObject, {
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'web',
    namespace: 'shop',
    uid: 'u1',
    resourceVersion: '5',
  });
  assert.deepEqual(event?.source, { component: 'default-scheduler' });
  assert.equal(event?.firstTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(event?.count, 1);
});

test('EVT-1 the same event again counts up', async () => {
  const { clock, client, raise } = setUp();
  await raise('no room');
  await clock.advance(3000);
  await raise('no room');
  await raise('no room');
  const events = client.objects(Event);
  assert.equal(events.length, 1);
  assert.equal(events[0]?.count, 3);
  assert.equal(events[0]?.lastTimestamp, '2026-01-01T00:00:03Z');
  assert.equal(events[0]?.firstTimestamp, '2026-01-01T00:00:00Z');
});

test('EVT-1 an event that expired on the server is made anew', async () => {
  const { client, raise } = setUp();
  await raise('no room');
  const { name = '' } = client.objects(Event)[0]?.metadata ?? {};
  client.removeNow(Event, `shop/${name}`);
  await raise('no room');
  assert.equal(client.objects(Event)[0]?.count, 1);
});

test('EVT-2 ever new messages become one combined event', async () => {
  const { client, raise } = setUp();
  for (let i = 0; i < 15; i++) await raise(`no room for ${i}`);
  const events = client.objects(Event);
  assert.equal(events.length, 11);
  assert.equal(events.at(-1)?.message, '(combined from similar events): no room for 14');
  assert.equal(events.at(-1)?.count, 5);
});

test('EVT-3 one object may not flood; others still speak; time refills', async () => {
  const { clock, client, raise, pod } = setUp();
  for (let i = 0; i < 60; i++) await raise('no room');
  assert.equal(client.objects(Event)[0]?.count, 25);
  await raise('no room', { ...pod, metadata: { ...pod.metadata, name: 'other', uid: 'u2' } });
  assert.equal(client.objects(Event).length, 2);
  await clock.advance(5 * 60_000);
  await raise('no room');
  assert.equal(client.objects(Event)[0]?.count, 26);
});

test('a lost server is tried again, a refusal is not, and nobody waits for either', async () => {
  const { clock, client, raise } = setUp();
  client.intercept(failing({ verb: 'create' }, new TransportError('x', 'reset', { maybeSent: true }), 2));
  await raise('first');
  assert.equal(client.objects(Event).length, 0);
  await clock.advance(10_000);
  assert.equal(client.objects(Event).length, 1);
  client.intercept(failing({ verb: 'create' }, errors.forbidden(Event, '', 'namespace ends')));
  client.clearActions();
  await raise('second');
  await clock.advance(10_000);
  assert.equal(client.actions.length, 1);
  assert.equal(clock.pendingTimers, 0);
});
