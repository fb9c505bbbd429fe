import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
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
  output,
  PROGRAMS,
  runProgram,
  startRestored,
} from './testing/snapshot-tools.ts';
import { isInstalled } from './testing/targets.ts';

const skip = !isInstalled('etcd') || !isInstalled('etcdctl') ? 'no etcd here' : false;

describe('tools for snapshots', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'etcd-restore-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('etcdctl and our tool say the same of a file; both refuse one that was changed', async () => {
    const source = await ProcessCluster.start(1);
    const file = join(folder, 'status.db');
    try {
      await answering(source);
      const client = source.client();
      await fill(client);
      client.close();
      await etcdctl(must(source.endpoints[0]), 'snapshot', 'save', file);
    } finally {
      await source.stop();
    }
    const theirs = JSON.parse(
      await output(['etcdctl'], ['snapshot', 'status', file, '-w', 'json']),
    ) as Record<string, number>;
    const status = ['snapshot-status', file];
    const ours = JSON.parse(await output(PROGRAMS['etcd-lite'].serve, [...status, '-w', 'json'])) as Record<
      string,
      number
    >;
    for (const name of ['hash', 'revision', 'totalSize']) assert.equal(ours[name], theirs[name], name);
    // etcdctl 3.4 counts the entries of all buckets, newer ones the keys that exist.
    assert.equal(ours['totalKey'], 35);
    assert.match(
      await output(PROGRAMS['etcd-lite'].serve, [...status, '-w', 'table']),
      /\| +HASH \| REVISION \| TOTAL KEYS \|/,
    );

    const changed = join(folder, 'changed.db');
    await copyFile(file, changed);
    const bytes = await readFile(changed);
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
    await writeFile(changed, bytes);
    for (const program of ['etcd', 'etcd-lite'] as const) {
      const { code, stderr } = await runProgram(PROGRAMS[program].restore, [
        changed,
        `--data-dir=${join(folder, 'changed')}-${program}`,
      ]);
      assert.equal(code > 0, true, program);
      assert.match(stderr, /expected sha256 .*, got /, program);
    }
    await truncate(changed, 100_000);
    const args = [changed, `--data-dir=${join(folder, 'cut')}`];
    const { code, stderr } = await runProgram(PROGRAMS['etcd-lite'].restore, args);
    assert.deepEqual([code, /snapshot missing hash but --skip-hash-check=false/.test(stderr)], [1, true]);
    const skipping = await runProgram(PROGRAMS['etcd-lite'].restore, [...args, '--skip-hash-check']);
    assert.match(skipping.stderr, /cut\.db|changed\.db, page \d+ at offset \d+: the file is cut off/);
  });

  test("a real etcd's data directory is told from ours, and converts by the words of the refusal", async () => {
    const etcd = await ProcessCluster.startWith(1, { program: PROGRAMS.etcd.serve });
    const name = must(etcd.members[0]).name;
    const client = etcd.client();
    try {
      await answering(etcd);
      await fill(client);
      const expected = await contents(client, must(etcd.endpoints[0]));
      await etcd.end(name, 'SIGTERM');
      const dataDir = join(etcd.folder, name);
      const refused = await runProgram(PROGRAMS['etcd-lite'].serve, [
        `--name=${name}`,
        `--data-dir=${dataDir}`,
      ]);
      assert.equal(refused.code, 1);
      assert.match(
        refused.stderr,
        /holds the data of an etcd .*kubelab etcd-lite restore .*--skip-hash-check/,
      );
      const converted = await startRestored('etcd-lite', join(dataDir, 'member', 'snap', 'db'), {
        flags: ['--skip-hash-check'],
      });
      const ours = converted.client();
      try {
        assert.deepEqual(await contents(ours, must(converted.endpoints[0])), expected);
      } finally {
        ours.close();
        await converted.stop();
      }
    } finally {
      client.close();
      await etcd.stop();
    }
  });

  test('a member that was not restored with the others is refused, not mixed with them', async () => {
    const file = join(folder, 'mixed.db');
    const source = await ProcessCluster.start(1);
    try {
      await answering(source);
      await etcdctl(must(source.endpoints[0]), 'put', 'k', 'v');
      await etcdctl(must(source.endpoints[0]), 'snapshot', 'save', file);
    } finally {
      await source.stop();
    }
    const restored = await ProcessCluster.startWith(3, {
      prepare: async (flags, name) => {
        const words = flags.filter((flag) => !flag.includes('client-urls') && !flag.includes('listen-peer'));
        if (name !== 'etcd-3') await output(PROGRAMS['etcd-lite'].restore, [file, ...words]);
      },
    });
    try {
      const two = restored.endpoints.slice(0, 2);
      await answering(restored);
      for (const endpoint of two) assert.equal(await etcdctl(endpoint, 'get', 'k'), 'k\nv\n');
      const third = must(restored.members[2]);
      await eventually('the third gives up', () => (third.child?.exitCode ?? null) !== null, 20_000);
      assert.match(restored.lastWords(third.name), /cluster ID mismatch/);
    } finally {
      await restored.stop();
    }
  });

  test('a raised revision makes watchers of older ones list again', async () => {
    const file = join(folder, 'bump.db');
    const source = await ProcessCluster.start(1);
    const client = source.client();
    let revision: number;
    try {
      await answering(source);
      await fill(client);
      ({ revision } = (await client.range({ key: Buffer.from('k1') })).header);
      await etcdctl(must(source.endpoints[0]), 'snapshot', 'save', file);
    } finally {
      client.close();
      await source.stop();
    }
    const flags = ['--bump-revision=1000000', '--mark-compacted'];
    const restored = await startRestored('etcd-lite', file, { flags });
    const ours = restored.client();
    try {
      const raised = revision + 1_000_000;
      const { header } = await ours.range({ key: Buffer.from('k1') });
      assert.equal(header.revision, raised);
      for (const endpoint of restored.endpoints) {
        const words = [`--endpoints=${endpoint.slice(7)}`, 'watch', 'k1', `--rev=${revision + 1}`];
        const { code, stdout, stderr } = await runProgram(['etcdctl'], words);
        assert.notEqual(code, 0);
        assert.match(stdout + stderr, /required revision has been compacted/);
      }
      assert.equal((await ours.put({ key: Buffer.from('k1') })).header.revision, raised + 1);
    } finally {
      ours.close();
      await restored.stop();
    }
  });
});
