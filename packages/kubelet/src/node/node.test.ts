import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Lease, Node } from '@kubelab/api';
import { FakeKubeClient } from '@kubelab/client/testing';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { renewNodeLease } from './node-lease.ts';
import { PodCidrFile } from './pod-cidr.ts';
import { systemInfo } from './system-info.ts';

function startLease(durationMs = 4_000) {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock });
  const [node] = client.seed(Node, { metadata: { name: 'node-1' }, spec: {} });
  const stop = new AbortController();
  const running = renewNodeLease(
    { client, clock, log: silentLogger, nodeName: 'node-1', durationMs, node: () => node },
    stop.signal,
  );
  const lease = () => client.objects(Lease)[0];
  const end = () => {
    stop.abort(new Error('over'));
    return running;
  };
  return { clock, client, lease, end };
}

test('the lease is made, owned by its Node, and renewed every quarter of its duration', async () => {
  const { clock, client, lease, end } = startLease();
  await clock.advance(10);
  assert.equal(lease()?.metadata.namespace, 'kube-node-lease');
  assert.equal(lease()?.metadata.ownerReferences?.[0]?.name, 'node-1');
  client.clearActions();
  await clock.advance(10_000);
  assert.equal(client.writes().length, 10);
  assert.equal(lease()?.spec.renewTime, '2026-01-01T00:00:10.000000Z');
  await end();
});

test('a lease that somebody else changed or removed is taken up again', async () => {
  const { clock, client, lease, end } = startLease();
  await clock.advance(1_500);
  client.mutate(Lease, 'kube-node-lease/node-1', (object) => {
    object.metadata.labels = { seen: 'yes' };
  });
  await clock.advance(1_000);
  assert.equal(lease()?.spec.renewTime, '2026-01-01T00:00:02.000000Z');
  assert.equal(lease()?.metadata.labels?.['seen'], 'yes');
  client.removeNow(Lease, 'kube-node-lease/node-1');
  await clock.advance(1_000);
  assert.equal(lease()?.spec.renewTime, '2026-01-01T00:00:03.000000Z');
  await end();
});

test('a server that hangs costs one interval, not the lease', async () => {
  const { clock, client, lease, end } = startLease();
  await clock.advance(500);
  let hangs = true;
  client.intercept(async ({ verb }) => {
    if (verb !== 'update' || !hangs) return undefined;
    hangs = false;
    await clock.sleep(1_000); // the time a call gets
    return new Error('timed out');
  });
  await clock.advance(2_000); // hung from 1 s to 2 s, then at once the next try
  assert.equal(lease()?.spec.renewTime, '2026-01-01T00:00:02.000000Z');
  await end();
});

test('the pod CIDR survives on disk, whole, and only a CIDR is taken', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubelet-cidr-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'deep', 'pod-cidr');
  const file = new PodCidrFile(path);
  assert.equal(file.cidr, undefined);
  assert.equal(await file.set('10.244.1.0/24'), true);
  assert.equal(await file.set('10.244.1.0/24'), false);
  assert.equal(await file.set('nonsense'), false);
  assert.equal(await readFile(path, 'utf8'), '10.244.1.0/24\n');
  assert.deepEqual(await readdir(join(folder, 'deep')), ['pod-cidr']);
  assert.equal(new PodCidrFile(path).cidr, '10.244.1.0/24');
});

test('the machine tells its system in Go’s words', async () => {
  const system = await systemInfo();
  assert.equal(system.os, 'linux');
  assert.notEqual(system.arch, 'x64');
  assert.match(system.kernelVersion, /^\d+\.\d+/);
});
