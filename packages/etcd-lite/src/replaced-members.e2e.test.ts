import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { afterEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { GrowingCluster } from './testing/growing-cluster.ts';
import { Ledger } from './testing/ledger.ts';
import { MAIN } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

const run = promisify(execFile);
const NAMES = ['m1', 'm2', 'm3'];

describe('members that are replaced, or left alone, or not let in', {
  skip: !isInstalled('etcdctl') && 'no etcdctl here',
}, () => {
  let cluster: GrowingCluster;
  let ledger: Ledger | undefined;
  afterEach(async () => {
    await ledger?.stop();
    ledger = undefined;
    await cluster.stop();
  });

  test('a dead member is replaced by one command under writes, and no acknowledged write is lost', async () => {
    cluster = await GrowingCluster.of(NAMES, 'm4');
    ledger = new Ledger(cluster, 'm1', 'm2');
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
    await cluster.isWhole('m1', 'm2', 'm4');
    await ledger.stop();
    for (const name of ['m1', 'm2', 'm4']) await ledger.requireAll(name);

    const late = cluster.start('m3', NAMES);
    assert.equal(await cluster.ended(late), 0);
    await cluster.says(['m3'], /the member has been permanently removed from the cluster/);
  });

  test('a member that lives is not replaced', async () => {
    cluster = await GrowingCluster.of(NAMES, 'm4');
    const flags = [`--endpoints=${cluster.endpoints('m1')}`, '--name=m3', '--new-name=m4'];
    await assert.rejects(
      run(process.execPath, [MAIN, 'replace-member', ...flags, `--peer-urls=${cluster.member('m4').peer}`]),
      /m3 answers at http.*: stop it first/,
    );
  });

  test('with --auto-promote a learner that etcdctl added votes as soon as it keeps up', async () => {
    cluster = await GrowingCluster.create([process.execPath, MAIN], '--auto-promote');
    await cluster.plan('m1', 'm2');
    cluster.start('m1');
    await cluster.serves('m1');
    const peer = `--peer-urls=${cluster.member('m2').peer}`;
    assert.match(await cluster.etcdctl('m1', 'member', 'add', 'm2', '--learner', peer), /added to cluster/);
    cluster.start('m2', ['m1'], '--initial-cluster-state=existing');
    await cluster.isWhole('m1', 'm2');
  });

  test('--force-new-cluster makes a cluster of the one that is left, with all it has', async () => {
    cluster = await GrowingCluster.of(NAMES, 'm4');
    ledger = new Ledger(cluster, 'm1');
    await ledger.goesOn();
    await ledger.stop();
    for (const name of NAMES) await cluster.end(name);
    cluster.start('m1', NAMES, '--force-new-cluster');
    await cluster.serves('m1');
    await ledger.requireAll('m1');
    assert.equal((await cluster.etcdctl('m1', 'member', 'list')).trim().split('\n').length, 1);

    const late = cluster.start('m2', NAMES);
    assert.equal(await cluster.ended(late), 0, 'the others are removed');
    await cluster.end('m1');
    cluster.start('m1', NAMES);
    await cluster.serves('m1');
    await ledger.requireAll('m1');
  });

  test('one that joins with the wrong members, or finds nobody, says so and ends', async () => {
    cluster = await GrowingCluster.of(NAMES, 'm4');
    const stranger = cluster.start('m4', ['m1', 'm2'], '--initial-cluster-state=existing');
    assert.equal(await cluster.ended(stranger), 1);
    await cluster.says(['m4'], /error validating peerURLs .*no match found for existing member/);
    for (const name of NAMES) await cluster.end(name);
    const lonely = cluster.start('m4', NAMES, '--initial-cluster-state=existing');
    assert.equal(await cluster.ended(lonely), 1);
    await cluster.says(['m4'], /could not retrieve cluster information from the given URLs/);
  });
});
