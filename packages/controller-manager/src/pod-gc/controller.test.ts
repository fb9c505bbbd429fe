import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, getCondition, Node, Pod } from '@kubelab/api';
import type { FakeKubeClient } from '@kubelab/client/testing';
import { podSpec, startHarness } from '../testing/harness.ts';
import { podGcController } from './controller.ts';

const start = (prepare: (client: FakeKubeClient) => void, terminatedThreshold = 2) =>
  startHarness((deps) => [podGcController(deps, { terminatedThreshold, quarantineMs: 40_000 })], {
    prepare,
    gracefulPods: true,
  });
const names = (client: FakeKubeClient) => client.objects(Pod).map(({ metadata }) => metadata.name);
const pod = (name: string, nodeName?: string, more: object = {}) => ({
  metadata: { name, namespace: 'default', creationTimestamp: `2026-01-01T00:00:0${name.at(-1)}Z`, ...more },
  spec: nodeName === undefined ? podSpec : { ...podSpec, nodeName },
});

test('pods of a node that is gone are removed after the quarantine, as failed by disruption', async (t) => {
  const { client, pass, stop } = await start((fake) => {
    fake.seed(Node, { metadata: { name: 'node-1' }, spec: {} });
    fake.seed(Pod, pod('p1', 'node-1'), pod('p2', 'gone'));
  });
  t.after(stop);
  await pass(39_000);
  assert.deepEqual(names(client), ['p1', 'p2']);
  client.clearActions();
  await pass(2_000);
  assert.deepEqual(names(client), ['p1']);
  const said = client.writes().find(({ subresource }) => subresource === 'status')?.body as Pod;
  assert.equal(said.status?.phase, 'Failed');
  assert.equal(getCondition(said.status?.conditions, 'DisruptionTarget')?.reason, 'DeletionByPodGC');
});

test('PGC-1 a node missing only from our cache keeps its pods', async (t) => {
  const { client, pass, stop } = await start((fake) => {
    fake.seed(Pod, pod('p1', 'hidden'));
    fake.intercept(({ verb, resource }) =>
      verb === 'get' && resource === 'nodes' ? errors.serviceUnavailable('try later') : undefined,
    );
  });
  t.after(stop);
  await pass(120_000);
  assert.deepEqual(names(client), ['p1']);
});

test('pods deleted before any node had them go at once, ended ones beyond the threshold oldest first', async (t) => {
  const ended = { status: { phase: 'Succeeded' } };
  const { client, pass, stop } = await start((fake) => {
    fake.seed(Node, { metadata: { name: 'n' }, spec: {} });
    fake.seed(Pod, pod('p0', undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }));
    for (const name of ['p3', 'p1', 'p4', 'p2']) fake.seed(Pod, { ...pod(name, 'n'), ...ended });
  });
  t.after(stop);
  await pass(20_000);
  assert.deepEqual(names(client).toSorted(), ['p3', 'p4']);
});
