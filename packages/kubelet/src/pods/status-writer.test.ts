import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pod } from '@kubelab/api';
import { FakeKubeClient } from '@kubelab/client/testing';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { StatusWriter } from './status-writer.ts';

function setUp() {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const [pod] = client.seed(Pod, { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [] } });
  assert.ok(pod !== undefined);
  const writer = new StatusWriter(client, clock, silentLogger);
  const status = () => client.find(Pod, 'default/p')?.status;
  return { clock, client, pod, writer, status };
}

test('STATUS-3 the uid goes along, and only the newest of many statuses is written after the first', async () => {
  const { client, pod, writer, status } = setUp();
  for (const message of ['1', '2', '3']) writer.set(pod, { phase: 'Running', message });
  await writer.flush(pod.metadata.uid);
  assert.equal(status()?.message, '3');
  const writes = client.writes();
  assert.ok(writes.length <= 2, `${writes.length} writes`);
  for (const { body } of writes) {
    assert.equal((body as { metadata: { uid: string } }).metadata.uid, pod.metadata.uid);
  }
});

test('what a later status lacks is cleared; the same status is written once', async () => {
  const { client, pod, writer, status } = setUp();
  writer.set(pod, { phase: 'Pending', reason: 'Why', podIP: '10.0.0.2' });
  await writer.flush(pod.metadata.uid);
  writer.set(pod, { phase: 'Running' });
  await writer.flush(pod.metadata.uid);
  assert.deepEqual([status()?.phase, status()?.reason, status()?.podIP], ['Running', undefined, undefined]);
  client.clearActions();
  writer.set(pod, { phase: 'Running' });
  await writer.flush(pod.metadata.uid);
  assert.deepEqual(client.writes(), []);
});

test('a failed write is tried again, and with what is newest by then', async () => {
  const { clock, client, pod, writer, status } = setUp();
  let failures = 2;
  client.intercept(({ verb }) => (verb === 'patch' && failures-- > 0 ? new Error('no server') : undefined));
  writer.set(pod, { phase: 'Pending' });
  writer.set(pod, { phase: 'Running' });
  await clock.advance(3_000);
  await writer.flush(pod.metadata.uid);
  assert.equal(status()?.phase, 'Running');
});

test('a pod that is gone ends the tries', async () => {
  const { client, pod, writer } = setUp();
  client.removeNow(Pod, 'default/p');
  writer.set(pod, { phase: 'Running' });
  await writer.flush(pod.metadata.uid);
});

test('STATUS-4 what others changed of our conditions is written again, an old view of them is not', async () => {
  const { client, pod, writer, status } = setUp();
  const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  writer.set(pod, ready);
  await writer.flush(pod.metadata.uid);
  client.mutate(Pod, 'default/p', (object) => {
    object.status = { ...object.status, conditions: [{ type: 'Ready', status: 'False' }] };
  });
  const overruled = client.find(Pod, 'default/p');
  assert.ok(overruled !== undefined);
  writer.set(overruled, ready);
  await writer.flush(pod.metadata.uid);
  assert.equal(status()?.conditions?.[0]?.status, 'True');
  client.clearActions();
  writer.set(overruled, ready);
  await writer.flush(pod.metadata.uid);
  assert.deepEqual(client.writes(), []);
});
