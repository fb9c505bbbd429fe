import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { GrowingCluster, type Program } from './testing/growing-cluster.ts';
import { MAIN } from './testing/processes.ts';
import { isInstalled } from './testing/targets.ts';

const PROGRAMS: readonly Program[] = [['etcd'], [process.execPath, MAIN]];
const EXISTING = '--initial-cluster-state=existing';

/**
 * Members are listed by id, which chance has a part in. And etcd 3.4 refuses learners with a code that makes clients
 * try again; later ones, and ours, do not.
 */
function comparable(text: string): string {
  const lines = text.split('\n').filter((line) => !/"warn".*not supported for learner/.test(line));
  const sorted = lines.map((line) =>
    line.replace(/(?<=ETCD_INITIAL_CLUSTER=").*(?=")/, (all) => all.split(',').sort().join(',')).trim(),
  );
  return sorted.sort().join('\n');
}

/** What etcdctl prints, without its complaints of calls that it had to repeat. */
function answerLines(text: string): string[] {
  return text.split(/\n+/).filter((line) => line !== '' && !line.startsWith('{"level":"warn"'));
}

/** What etcdctl prints at each step of a cluster that grows, once with the machine's etcd and once with ours. */
async function story(program: Program): Promise<string[]> {
  const cluster = await GrowingCluster.create(program);
  const told: string[] = [];
  const tell = async (at: string, ...args: string[]): Promise<void> => {
    const text = comparable(cluster.plain(await cluster.etcdctl(at, ...args)));
    told.push(`${args.map((arg) => cluster.plain(arg)).join(' ')}\n${text}`);
  };
  try {
    await cluster.plan('m1', 'm2', 'm3');
    cluster.start('m1');
    await eventually(
      'the first member',
      async () => /OK/.test(await cluster.etcdctl('m1', 'put', 'k', 'v')),
      20_000,
    );
    const one = await cluster.idOf('m1', 'm1');
    await tell('m1', 'member', 'list');
    await tell('m1', 'member', 'add', 'm2', `--peer-urls=${cluster.member('m1').peer}`);
    await tell('m1', 'member', 'remove', '1234567890123');
    await tell('m1', 'member', 'promote', '1234567890123');
    await tell('m1', 'member', 'promote', one);
    await tell('m1', 'member', 'remove', one);
    await tell('m1', 'member', 'update', '1234567890123', '--peer-urls=http://127.0.0.1:1');
    await tell('m1', 'member', 'add', 'm2', '--learner', `--peer-urls=${cluster.member('m2').peer}`);
    const two = await cluster.idOf('m2', 'm1');
    await tell('m1', 'member', 'list');
    await tell('m1', 'member', 'add', 'm3', '--learner', `--peer-urls=${cluster.member('m3').peer}`);
    await tell('m1', 'member', 'promote', two);
    await tell('m1', 'move-leader', two);

    cluster.start('m2', ['m1'], EXISTING);
    const read = (): Promise<string> => cluster.etcdctl('m2', 'get', '--consistency=s', 'k');
    await eventually('the learner has the data', async () => (await read()).startsWith('k\nv'), 20_000);
    await tell('m2', 'get', 'k');
    await tell('m2', 'get', '--consistency=s', 'k');
    await tell('m2', 'put', 'k', 'w');
    await tell('m2', 'lease', 'grant', '60');
    await tell('m2', 'member', 'list');
    await tell('m2', 'compaction', '1');
    await eventually('the learner has published itself', async () =>
      /started, m2/.test(await cluster.etcdctl('m1', 'member', 'list')),
    );
    await tell('m1', 'member', 'list');
    await tell('m1', 'member', 'promote', two);
    await tell('m1', 'member', 'list');
    await eventually('the promoted serves', async () =>
      (await cluster.etcdctl('m2', 'get', 'k')).startsWith('k\nv'),
    );
    await tell('m1', 'member', 'update', two, '--peer-urls=http://127.0.0.1:1');
    await tell('m1', 'member', 'update', two, `--peer-urls=${cluster.member('m2').peer}`);
    await tell('m2', 'member', 'update', two, `--peer-urls=${cluster.member('m1').peer}`);
    await tell('m2', 'put', 'k', 'x');
    return told;
  } finally {
    await cluster.stop();
  }
}

describe('etcdctl member …', { skip: !isInstalled('etcd') && 'no etcd here' }, () => {
  test('says the same of our cluster as of one of the machine’s etcd, refusals included', async () => {
    const [theirs = [], ours = []] = await Promise.all(PROGRAMS.map(story));
    assert.deepEqual(ours, theirs);
  });
});

describe('a cluster that grows and shrinks', { concurrency: 2 }, () => {
  for (const program of PROGRAMS) {
    describe(`${program[0].replace(/^.*\//, '')} ${program.length > 1 ? 'etcd-lite' : ''}`, {
      skip: !isInstalled(program[0]) && 'not here',
      concurrency: 1,
    }, () => {
      let cluster: GrowingCluster;
      before(async () => {
        cluster = await GrowingCluster.create(program);
        await cluster.plan('m1', 'm2', 'm3', 'm4', 'm5');
      });
      after(() => cluster.stop());

      /** Until the cluster takes it: etcd wants connections that have lasted for some seconds. */
      async function grow(name: string, existing: readonly string[]): Promise<void> {
        const peer = `--peer-urls=${cluster.member(name).peer}`;
        await eventually(
          `${name} is added`,
          async () => {
            const said = await cluster.etcdctl('m1', 'member', 'add', name, peer);
            // Without an answer in time it may have been added all the same.
            return /added to cluster|Peer URLs already exists/.test(said);
          },
          30_000,
          300,
        );
        cluster.start(name, existing, EXISTING);
        const serves = async (): Promise<boolean> =>
          (await cluster.etcdctl(name, 'get', 'k')).startsWith('k\n');
        await eventually(`${name} serves`, serves, 30_000, 200);
      }

      test('grows from one to five and shrinks to three, and every write is on those that are left', async () => {
        cluster.start('m1');
        await eventually('m1', async () => /OK/.test(await cluster.etcdctl('m1', 'put', 'k', '1')), 20_000);
        const names = ['m1'];
        for (const name of ['m2', 'm3', 'm4', 'm5']) {
          await grow(name, names);
          names.push(name);
          const put = async (): Promise<boolean> =>
            (await cluster.etcdctl(name, 'put', `by-${name}`, '1')).startsWith('OK');
          await eventually(`${name} writes`, put);
        }
        assert.equal(answerLines(await cluster.etcdctl('m5', 'member', 'list')).length, 5);
        for (const gone of ['m1', 'm2']) {
          const { child } = cluster.member(gone);
          const id = await cluster.idOf(gone, 'm5');
          await eventually(
            `${gone} is removed`,
            async () =>
              /removed from|member not found/.test(await cluster.etcdctl('m5', 'member', 'remove', id)),
            30_000,
            300,
          );
          assert.ok(child);
          assert.equal(await cluster.ended(child), 0, 'a removed member ends by itself');
          await cluster.says([gone], /the member has been permanently removed from the cluster/);
        }
        let all = '';
        await eventually('a leader', async () => {
          all = await cluster.etcdctl('m5', 'get', '--keys-only', '--prefix', 'by-');
          return /by-/.test(all);
        });
        assert.deepEqual(answerLines(all), ['by-m2', 'by-m3', 'by-m4', 'by-m5']);
        assert.equal(answerLines(await cluster.etcdctl('m4', 'member', 'list')).length, 3);
      });

      test('a removed member that is started with its old data says why it ends', async () => {
        const child = cluster.start('m2', ['m1'], EXISTING);
        assert.equal(await cluster.ended(child), 0);
      });
    });
  }
});
