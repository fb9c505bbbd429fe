import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { eventually } from '@kubelab/component-base/testing';
import { GrowingCluster } from './testing/growing-cluster.ts';
import { MAIN } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

const run = promisify(execFile);
const NAMES = ['m1', 'm2', 'm3'];

describe('members that are lost', { skip: !isInstalled('etcdctl') && 'no etcdctl here' }, () => {
  let cluster: GrowingCluster;
  let stopWriting: (() => Promise<string[]>) | undefined;
  afterEach(async () => {
    await stopWriting?.();
    await cluster.stop();
  });

  async function three(): Promise<void> {
    cluster = await GrowingCluster.create([process.execPath, MAIN]);
    await cluster.plan(...NAMES, 'm4');
    for (const name of NAMES) cluster.start(name, NAMES);
    for (const name of NAMES) await serves(name);
  }

  function serves(name: string): Promise<unknown> {
    const put = async (): Promise<boolean> => /OK/.test(await cluster.etcdctl(name, 'put', 'k', name));
    return eventually(`${name} serves`, put, 30_000, 100);
  }

  async function wipe(name: string): Promise<void> {
    await cluster.end(name);
    await rm(cluster.dataDir(name), { recursive: true });
  }

  const list = (at: string): Promise<string> => cluster.etcdctl(at, 'member', 'list');

  /** Every member answers as a voter, from the same state. */
  async function isWhole(...names: string[]): Promise<void> {
    await eventually(
      'all vote again',
      async () => (await list(names[0] ?? '')).match(/started.*false/g)?.length === names.length,
      30_000,
      200,
    );
    for (const name of names) await serves(name);
  }

  /** Writes on and on until told to stop; resolves to the keys that were acknowledged. */
  function writer(...at: string[]): () => Promise<string[]> {
    const client = cluster.client(...at);
    const acknowledged: string[] = [];
    const over = new AbortController();
    const done = (async () => {
      for (let i = 0; !over.signal.aborted; i++) {
        const key = `w${String(i).padStart(6, '0')}`;
        try {
          await client.put({ key: Buffer.from(key), value: Buffer.from('v') }, { timeoutMs: 2000 });
          acknowledged.push(key);
        } catch {
          // Not acknowledged: it may be there or not.
        }
      }
    })();
    stopWriting = async () => {
      over.abort();
      await done;
      client.close();
      stopWriting = undefined;
      return acknowledged;
    };
    return stopWriting;
  }

  async function requireAll(keys: readonly string[], at: string): Promise<void> {
    const text = await cluster.etcdctl(at, 'get', '--keys-only', '--prefix', 'w');
    const found = new Set(text.split(/\n+/));
    assert.deepEqual(
      keys.filter((key) => !found.has(key)),
      [],
      `acknowledged and gone at ${at}`,
    );
  }

  test('CONF-4 one that lost its data comes back under a new id as a learner, and votes again by itself', async () => {
    await three();
    const stop = writer('m1', 'm2');
    const before = await cluster.idOf('m3', 'm1');
    await wipe('m3');
    cluster.start('m3', NAMES);
    await isWhole(...NAMES);
    const acknowledged = await stop();
    assert.ok(acknowledged.length > 20);
    for (const name of NAMES) await requireAll(acknowledged, name);
    const now = await cluster.idOf('m3', 'm1');
    assert.notEqual(now, before);
    assert.doesNotMatch(await list('m1'), new RegExp(before));
    assert.match(cluster.log('m1') + cluster.log('m2'), /has lost its data: it gets a new id/);

    // From now on it is that member: its flags are the same as ever.
    await cluster.end('m3', 'SIGTERM');
    cluster.start('m3', NAMES);
    await serves('m3');
    assert.equal(await cluster.idOf('m3', 'm1'), now);
  });

  test('CONF-4 CONF-7 one that lost its data helps no other to power while the rest is away', async () => {
    await three();
    const stop = writer('m1', 'm2');
    await cluster.end('m3');
    await eventually('some writes without m3', async () =>
      /w000020/.test(await cluster.etcdctl('m1', 'get', 'w000020')),
    );
    // m3 has less than what was acknowledged. With the vote of an m1 that has forgotten, it could lead.
    await cluster.end('m2');
    const acknowledged = await stop();
    await wipe('m1');
    cluster.start('m3', NAMES);
    cluster.start('m1', NAMES);
    assert.match(
      await cluster.etcdctl('m3', '--command-timeout=3s', 'put', 'k', 'x'),
      /Error|timed out|deadline/,
    );
    cluster.start('m2', NAMES);
    await isWhole(...NAMES);
    for (const name of NAMES) await requireAll(acknowledged, name);
  });

  test('a member that starts for the first time after the others is the one of the flags', async () => {
    cluster = await GrowingCluster.create([process.execPath, MAIN]);
    await cluster.plan(...NAMES);
    cluster.start('m1', NAMES);
    cluster.start('m2', NAMES);
    await serves('m1');
    const planned = await cluster.idOf('m3', 'm1');
    cluster.start('m3', NAMES);
    await serves('m3');
    assert.equal(await cluster.idOf('m3', 'm3'), planned);
    assert.equal((await list('m1')).match(/started.*false/g)?.length, 3);
  });

  test('a dead member is replaced by one command under writes, and no acknowledged write is lost', async () => {
    await three();
    const stop = writer('m1', 'm2');
    await cluster.end('m3');
    const { stdout } = await run(process.execPath, [
      MAIN,
      'replace-member',
      `--endpoints=${cluster.endpoints('m1', 'm2')}`,
      '--name=m3',
      '--new-name=m4',
      `--peer-urls=${cluster.member('m4').peer}`,
      '--wait=0s',
    ]);
    assert.match(stdout, /--initial-cluster-state=existing/);
    const [, initial = ''] = /--initial-cluster=(\S+)/.exec(stdout) ?? [];
    assert.equal(initial.split(',').length, 3);
    cluster.start('m4', ['m1', 'm2'], '--initial-cluster-state=existing');
    await isWhole('m1', 'm2', 'm4');
    const acknowledged = await stop();
    for (const name of ['m1', 'm2', 'm4']) await requireAll(acknowledged, name);

    const late = cluster.start('m3', NAMES);
    assert.equal(await cluster.ended(late), 0);
    assert.match(cluster.log('m3'), /the member has been permanently removed from the cluster/);
  });

  test('a member that lives is not replaced', async () => {
    await three();
    const flags = [`--endpoints=${cluster.endpoints('m1')}`, '--name=m3', '--new-name=m4'];
    await assert.rejects(
      run(process.execPath, [MAIN, 'replace-member', ...flags, `--peer-urls=${cluster.member('m4').peer}`]),
      /m3 answers at http.*: stop it first/,
    );
  });

  test('--force-new-cluster makes a cluster of the one that is left, with all it has', async () => {
    await three();
    const stop = writer('m1');
    await eventually('some writes', async () =>
      /w000020/.test(await cluster.etcdctl('m1', 'get', 'w000020')),
    );
    const acknowledged = await stop();
    for (const name of NAMES) await cluster.end(name);
    cluster.start('m1', NAMES, '--force-new-cluster');
    await serves('m1');
    await requireAll(acknowledged, 'm1');
    assert.equal((await list('m1')).trim().split('\n').length, 1);

    const late = cluster.start('m2', NAMES);
    assert.equal(await cluster.ended(late), 0, 'the others are removed');
    await cluster.end('m1');
    cluster.start('m1', NAMES);
    await serves('m1');
    await requireAll(acknowledged, 'm1');
  });

  test('CONF-8 one that began alone, lost its data and begins alone again, is not heard by those that joined it', async () => {
    cluster = await GrowingCluster.create([process.execPath, MAIN], '--strict-reconfig-check=false');
    await cluster.plan(...NAMES);
    cluster.start('m1');
    await serves('m1');
    for (const [name, others] of [
      ['m2', ['m1']],
      ['m3', ['m1', 'm2']],
    ] as const) {
      await cluster.etcdctl('m1', 'member', 'add', name, `--peer-urls=${cluster.member(name).peer}`);
      cluster.start(name, others, '--initial-cluster-state=existing');
      await serves(name);
    }
    const before = await cluster.idOf('m1', 'm2');
    await wipe('m1');
    const child = cluster.start('m1');
    assert.equal(await cluster.ended(child), 1);
    assert.match(cluster.log('m1'), /know this one from an earlier life/);
    await serves('m2');

    await rm(cluster.dataDir('m1'), { recursive: true });
    cluster.start('m1', ['m2', 'm3'], '--initial-cluster-state=existing');
    await isWhole(...NAMES);
    assert.notEqual(await cluster.idOf('m1', 'm2'), before);
  });

  test('one that joins with the wrong members, or finds nobody, says so and ends', async () => {
    await three();
    const stranger = cluster.start('m4', ['m1', 'm2'], '--initial-cluster-state=existing');
    assert.equal(await cluster.ended(stranger), 1);
    assert.match(cluster.log('m4'), /error validating peerURLs .*no match found for existing member/);
    for (const name of NAMES) await cluster.end(name);
    const lonely = cluster.start('m4', NAMES, '--initial-cluster-state=existing');
    assert.equal(await cluster.ended(lonely), 1);
    assert.match(cluster.log('m4'), /could not retrieve cluster information from the given URLs/);
  });
});
