import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { ProcessCluster } from './testing/processes.ts';
import {
  answering,
  contents,
  etcdctl,
  fill,
  LEASE,
  PROGRAMS,
  type ProgramName,
  startRestored,
} from './testing/snapshot-tools.ts';
import { isInstalled } from './testing/targets.ts';

const skip = !isInstalled('etcd') || !isInstalled('etcdctl') ? 'no etcd here' : false;

/** A user `root` and one who may read `k…` only. */
async function secure(endpoint: string): Promise<void> {
  for (const words of ['user add root:toor', 'user grant-role root root', 'user add reader:secret'])
    await etcdctl(endpoint, ...words.split(' '));
  for (const words of ['role add keys', 'role grant-permission keys read k l', 'user grant-role reader keys'])
    await etcdctl(endpoint, ...words.split(' '));
  await etcdctl(endpoint, 'auth', 'enable');
}

describe('snapshots', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etcd-snapshots-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const directions: readonly [from: ProgramName, to: ProgramName, size: number][] = [
    ['etcd-lite', 'etcd', 1],
    ['etcd', 'etcd-lite', 3],
    ['etcd-lite', 'etcd-lite', 3],
    ['etcd-lite', 'etcd', 3],
  ];
  for (const [at, [from, to, size]] of directions.entries()) {
    test(`of ${from} start ${size} × ${to} with the same keys, revisions, versions and leases`, async () => {
      const file = join(folder, `${at}.db`);
      const source = await ProcessCluster.startWith(1, { program: PROGRAMS[from].serve });
      const client = source.client();
      let expected: object;
      try {
        await answering(source);
        await fill(client);
        expected = await contents(client, must(source.endpoints[0]));
        await etcdctl(must(source.endpoints[0]), 'snapshot', 'save', file);
      } finally {
        client.close();
        await source.stop();
      }
      const restored = await startRestored(to, file, { size });
      const ours = restored.client();
      try {
        const found = await eventually('all members have it', async () => {
          const all = await Promise.all(restored.endpoints.map((endpoint) => contents(ours, endpoint)));
          return all.every((each) => JSON.stringify(each) === JSON.stringify(all[0])) && all[0];
        });
        assert.deepEqual(found, expected);
        const { members } = await ours.memberList();
        assert.equal(members.length, size);
        // And it goes on from there.
        const { revision } = (await ours.put({ key: Buffer.from('next') })).header;
        assert.equal(revision, (expected as { revision: number }).revision + 1);
        assert.equal((await ours.leaseRevoke({ ID: LEASE })).header.revision, revision + 1);
      } finally {
        ours.close();
        await restored.stop();
      }
    });
  }

  for (const [from, to] of [
    ['etcd', 'etcd-lite'],
    ['etcd-lite', 'etcd'],
  ] as const) {
    test(`of ${from} bring users, passwords, roles and permissions to ${to}`, async () => {
      const file = join(folder, `auth-${from}.db`);
      const source = await ProcessCluster.startWith(1, { program: PROGRAMS[from].serve });
      try {
        await answering(source);
        const endpoint = must(source.endpoints[0]);
        await etcdctl(endpoint, 'put', 'key', 'value');
        await etcdctl(endpoint, 'put', 'other', 'value');
        await secure(endpoint);
        await etcdctl(endpoint, '--user=root:toor', 'snapshot', 'save', file);
      } finally {
        await source.stop();
      }
      const restored = await startRestored(to, file, { probe: () => Promise.resolve() });
      try {
        const endpoint = must(restored.endpoints[0]);
        const asReader = (...args: string[]): Promise<string> =>
          etcdctl(endpoint, '--user=reader:secret', ...args);
        assert.equal(await eventually('it answers', () => asReader('get', 'key'), 20_000), 'key\nvalue\n');
        await assert.rejects(asReader('get', 'other'), /permission denied/);
        await assert.rejects(asReader('put', 'key', 'x'), /permission denied/);
        await assert.rejects(etcdctl(endpoint, '--user=reader:wrong', 'get', 'key'), /authentication failed/);
        await assert.rejects(etcdctl(endpoint, 'get', 'key'), /user name is empty/);
        assert.equal(await etcdctl(endpoint, '--user=root:toor', 'put', 'other', 'x'), 'OK\n');
      } finally {
        await restored.stop();
      }
    });
  }
});
