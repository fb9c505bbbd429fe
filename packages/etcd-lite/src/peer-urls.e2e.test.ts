import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GrowingCluster, type Program } from './testing/growing-cluster.ts';
import { MAIN } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

const NAMES = ['m1', 'm2', 'm3'];
const PROGRAMS: readonly (readonly [what: string, program: Program])[] = [
  ['etcd-lite', [process.execPath, MAIN]],
  ['etcd', ['etcd']],
];

for (const [what, program] of PROGRAMS) {
  describe(`${what}: a member whose address for the others changes`, {
    skip: !isInstalled(program[0]) && 'no etcd here',
    concurrency: 1,
  }, () => {
    let cluster: GrowingCluster;
    let id = '';
    before(async () => {
      cluster = await GrowingCluster.running(program, NAMES);
      id = await cluster.idOf('m3', 'm1');
    });
    after(() => cluster.stop());

    const update = async (...urls: string[]): Promise<void> => {
      const said = await cluster.etcdctl('m1', 'member', 'update', id, `--peer-urls=${urls.join()}`);
      assert.match(said, /updated in cluster/);
    };
    const startAgain = async (name: string): Promise<void> => {
      await cluster.end(name, 'SIGTERM');
      cluster.start(name, NAMES);
      await cluster.serves(name);
    };
    /** With one of the others gone, nothing is decided without it. */
    const isNeeded = async (): Promise<void> => {
      await cluster.end('m2');
      await cluster.serves('m1');
      await cluster.serves('m3');
      cluster.start('m2', NAMES);
      await cluster.serves('m2');
    };

    test('is found there, when the cluster was told and it is started again', async () => {
      await cluster.move('m3');
      await update(cluster.member('m3').peer);
      await startAgain('m3');
      assert.match(
        await cluster.etcdctl('m3', 'member', 'list'),
        new RegExp(`m3, ${cluster.member('m3').peer},`),
      );
      await isNeeded();
    });

    test('is answered there also when the cluster was not told, and may be told later', async () => {
      // As it was: with data nobody asks it any more.
      const flag = cluster.initialCluster(...NAMES);
      await cluster.move('m3');
      await cluster.end('m3', 'SIGTERM');
      cluster.start('m3', NAMES, flag);
      await cluster.serves('m3');
      await isNeeded();
      await update(cluster.member('m3').peer);
      await isNeeded();
    });

    test('is found at the second of its URLs, when nobody is at the first', async () => {
      await update('http://127.0.0.1:1', cluster.member('m3').peer);
      await startAgain('m1');
      await isNeeded();
    });
  });

  test(`${what}: members find each other when nobody is at the first of two URLs that each has`, {
    skip: !isInstalled(program[0]) && 'no etcd here',
  }, async (t) => {
    const cluster = await GrowingCluster.create(program);
    t.after(() => cluster.stop());
    await cluster.plan(...NAMES);
    const urls = new Map(
      NAMES.map((name, i) => [name, [`http://127.0.0.1:${1 + i}`, cluster.member(name).peer]]),
    );
    const all = [...urls].flatMap(([name, own]) => own.map((url) => `${name}=${url}`));
    for (const [name, own] of urls) {
      cluster.start(
        name,
        NAMES,
        `--initial-advertise-peer-urls=${own.join()}`,
        `--initial-cluster=${all.join()}`,
      );
    }
    for (const name of NAMES) await cluster.serves(name);
  });
}
