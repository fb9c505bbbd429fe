import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { afterEach, describe, test } from 'node:test';
import { GrowingCluster } from './testing/growing-cluster.ts';
import { Ledger } from './testing/ledger.ts';
import { MAIN } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

const NAMES = ['m1', 'm2', 'm3'];

describe('members that lost their data', { skip: !isInstalled('etcdctl') && 'no etcdctl here' }, () => {
  let cluster: GrowingCluster;
  let ledger: Ledger | undefined;
  afterEach(async () => {
    await ledger?.stop();
    ledger = undefined;
    await cluster.stop();
  });

  test('CONF-4 one that lost its data comes back under a new id as a learner, and votes again by itself', async () => {
    cluster = await GrowingCluster.of(NAMES);
    ledger = new Ledger(cluster, 'm1', 'm2');
    const before = await cluster.idOf('m3', 'm1');
    await cluster.wipe('m3');
    cluster.start('m3', NAMES);
    await cluster.isWhole(...NAMES);
    await ledger.stop();
    assert.ok(ledger.count > 20);
    for (const name of NAMES) await ledger.requireAll(name);
    const now = await cluster.idOf('m3', 'm1');
    assert.notEqual(now, before);
    assert.doesNotMatch(await cluster.etcdctl('m1', 'member', 'list'), new RegExp(before));
    await cluster.says(['m1', 'm2'], /has lost its data: it gets a new id/);

    // From now on it is that member: its flags are the same as ever.
    await cluster.end('m3', 'SIGTERM');
    cluster.start('m3', NAMES);
    await cluster.serves('m3');
    assert.equal(await cluster.idOf('m3', 'm1'), now);
  });

  test('CONF-4 a leader that lost its data finds another one leading, and comes back as the last of all', async () => {
    cluster = await GrowingCluster.of(NAMES);
    const leader = await cluster.leader(...NAMES);
    const others = NAMES.filter((name) => name !== leader);
    ledger = new Ledger(cluster, ...others);
    await ledger.goesOn();
    await cluster.wipe(leader);
    cluster.start(leader, NAMES);
    await cluster.isWhole(...NAMES);
    await ledger.stop();
    for (const name of NAMES) await ledger.requireAll(name);
  });

  test('CONF-4 CONF-7 one that lost its data helps no other to power while the rest is away', async () => {
    cluster = await GrowingCluster.of(NAMES);
    ledger = new Ledger(cluster, 'm1', 'm2');
    await cluster.end('m3');
    await ledger.goesOn();
    // m3 has less than what was acknowledged. With the vote of an m1 that has forgotten, it could lead.
    await cluster.end('m2');
    await ledger.stop();
    await cluster.wipe('m1');
    cluster.start('m3', NAMES);
    cluster.start('m1', NAMES);
    assert.match(
      await cluster.etcdctl('m3', '--command-timeout=3s', 'put', 'k', 'x'),
      /Error|timed out|deadline/,
    );
    cluster.start('m2', NAMES);
    await cluster.isWhole(...NAMES);
    for (const name of NAMES) await ledger.requireAll(name);
  });

  test('a member that starts for the first time after the others is the one of the flags', async () => {
    cluster = await GrowingCluster.create([process.execPath, MAIN]);
    await cluster.plan(...NAMES);
    cluster.start('m1', NAMES);
    cluster.start('m2', NAMES);
    await cluster.serves('m1');
    const planned = await cluster.idOf('m3', 'm1');
    cluster.start('m3', NAMES);
    await cluster.serves('m3');
    assert.equal(await cluster.idOf('m3', 'm3'), planned);
    assert.equal((await cluster.etcdctl('m1', 'member', 'list')).match(/started.*false/g)?.length, 3);
  });

  test('CONF-8 one that began alone, lost its data and begins alone again, is not heard by those that joined it', async () => {
    cluster = await GrowingCluster.create([process.execPath, MAIN], '--strict-reconfig-check=false');
    await cluster.plan(...NAMES);
    cluster.start('m1');
    await cluster.serves('m1');
    for (const [name, others] of [
      ['m2', ['m1']],
      ['m3', ['m1', 'm2']],
    ] as const) {
      await cluster.etcdctl('m1', 'member', 'add', name, `--peer-urls=${cluster.member(name).peer}`);
      cluster.start(name, others, '--initial-cluster-state=existing');
      await cluster.serves(name);
    }
    const before = await cluster.idOf('m1', 'm2');
    await cluster.wipe('m1');
    const child = cluster.start('m1');
    assert.equal(await cluster.ended(child), 1);
    await cluster.says(['m1'], /know this one from an earlier life/);
    await cluster.serves('m2');

    await rm(cluster.dataDir('m1'), { recursive: true });
    cluster.start('m1', ['m2', 'm3'], '--initial-cluster-state=existing');
    await cluster.isWhole(...NAMES);
    assert.notEqual(await cluster.idOf('m1', 'm2'), before);
  });
});
