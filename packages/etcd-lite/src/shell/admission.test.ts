import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { MemberRecord } from '../core/members.ts';
import { memberRecord } from '../testing/member-record.ts';
import { REMOVED_TEXT } from '../transport/caller.ts';
import type { ClusterDescription, JoinResponse } from '../wire.ts';
import { admission, admitExisting, admitNew, type AdmissionOptions } from './admission.ts';
import { parseCluster } from './cluster.ts';

const FLAGS = ['a', 'b', 'c'].map((name) => `${name}=http://${name}:2380`);
const cluster = parseCluster(FLAGS, 'c', 'test');
const idOf = (name: string): string => cluster.members.find((member) => member.name === name)?.raftId ?? '';

function record(name: string, more: Partial<MemberRecord> = {}): MemberRecord {
  const urls = { peerUrls: [`http://${name}:2380`], clientUrls: [`http://${name}:2379`] };
  return memberRecord(idOf(name), { name, ...urls, ...more });
}

const unstarted = { name: '', clientUrls: [] };
const described = (more: Partial<ClusterDescription> = {}): ClusterDescription => ({
  clusterId: cluster.id,
  raftId: '',
  isFresh: false,
  term: 3,
  leader: idOf('a'),
  members: [record('a'), record('b'), record('c', unstarted)],
  removedMembers: [],
  ...more,
});
const fresh = described({ isFresh: true, term: 0, leader: '', members: [] });
const joined: JoinResponse = { raftId: 'new', term: 3, vote: idOf('a'), members: [] };

/** By host: what it answers; nothing: it is not there. A function is asked each time. */
type Answers = Readonly<Record<string, ClusterDescription | (() => ClusterDescription | JoinResponse)>>;

/** The others, who can be asked to describe the cluster (`a`) or to let somebody join (`join a`). */
function world(answers: Answers) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const call: AdmissionOptions['call'] = async <T>(url: string, rpc: string) => {
    const host = new URL(url).hostname;
    const key = rpc === 'Join' ? `join ${host}` : host;
    asked.push(key);
    const answer = answers[key];
    if (answer === undefined) throw new RpcError(StatusCode.UNAVAILABLE, 'connection refused');
    return Promise.resolve((typeof answer === 'function' ? answer() : answer) as T);
  };
  const options = {
    ...{ cluster, call, clock },
    log: silentLogger,
    hasAsked: () => false,
    onFresh: () => asked.push('fresh'),
  };
  return { clock, asked, options };
}

describe('a first start with --initial-cluster-state=new', () => {
  test('CONF-7 waits for a second member without data, and needs no third', async () => {
    let isThere = false;
    const { clock, options, asked } = world({
      b: () => {
        if (isThere) return fresh;
        throw new Error('not yet');
      },
    });
    let isDone = false;
    const founding = admitNew(options).finally(() => (isDone = true));
    await clock.advance(3000);
    assert.equal(isDone, false);
    assert.equal(asked[0], 'fresh');
    isThere = true;
    await clock.advance(100);
    const { raftId, isFounder, term, vote, members } = await founding;
    assert.deepEqual([raftId, isFounder, term, vote, members.length], [idOf('c'), true, 1, idOf('c'), 3]);
  });

  test('asks nobody when it is alone', async () => {
    const alone = parseCluster(FLAGS.slice(2), 'c', 'test');
    const { options } = world({});
    assert.equal((await admitNew({ ...options, cluster: alone })).isFounder, true);
  });

  test('CONF-4 takes the id that the leader gives it, and votes in none of the terms so far', async () => {
    const { options } = world({ a: described(), 'join a': () => joined });
    const { raftId, isFounder, first, term, vote } = await admitNew(options);
    assert.deepEqual([raftId, isFounder, first.index, term, vote], ['new', false, 0, 3, idOf('a')]);
  });

  test('CONF-5 begins as the flags say when the leader lets it, with its vote spent', async () => {
    const { options } = world({ a: described(), 'join a': () => ({ ...joined, raftId: idOf('c') }) });
    const { raftId, isFounder, term, vote } = await admitNew(options);
    assert.deepEqual([raftId, isFounder, term, vote], [idOf('c'), true, 3, idOf('a')]);
  });

  test('asks again while the leader cannot decide', async () => {
    let refusals = 3;
    const { clock, options } = world({
      a: described(),
      'join a': () => {
        if (refusals-- > 0) throw new RpcError(StatusCode.FAILED_PRECONDITION, 'etcdserver: not leader');
        return joined;
      },
    });
    const founding = admitNew(options);
    await clock.advance(5000);
    assert.equal((await founding).raftId, 'new');
  });

  test('ends when its peers are another cluster', async () => {
    const { options } = world({ b: { ...fresh, clusterId: 5 } });
    await assert.rejects(admitNew(options), /cluster ID mismatch/);
  });

  test('CONF-1 ends, and is never admitted, when it was removed', async () => {
    const removed = (): never => {
      throw new RpcError(StatusCode.FAILED_PRECONDITION, REMOVED_TEXT);
    };
    const { options } = world({ a: described(), 'join a': removed });
    await new Promise<void>((onRemoved) => {
      const never = admission({ ...options, isNew: true, onRemoved })();
      void never.then(() => assert.fail('admitted'));
    });
  });
});

describe('a first start with --initial-cluster-state=existing', () => {
  const wrong: readonly [string, ClusterDescription, RegExp][] = [
    ['too few members', described({ members: [record('a'), record('c')] }), /member count is unequal/],
    [
      'members at other URLs',
      described({ members: [record('a'), record('b', { peerUrls: ['http://x:1'] }), record('c')] }),
      /PeerURLs: no match found for existing member/,
    ],
  ];
  for (const [name, description, message] of wrong) {
    test(`ends with etcd’s words when the flags name ${name}`, async () => {
      await assert.rejects(admitExisting(world({ a: description }).options), message);
    });
  }

  test('believes the one who has heard of it, when another has not yet', async () => {
    const { options } = world({
      a: described({ members: [record('a'), record('b')], removedMembers: [idOf('c')] }),
      b: described(),
      'join a': () => ({ ...joined, raftId: idOf('c') }),
    });
    assert.equal((await admitExisting(options)).raftId, idOf('c'));
  });

  test('ends when nobody answers', async () => {
    await assert.rejects(admitExisting(world({}).options), /could not retrieve cluster information/);
  });

  test('is who the cluster says that it is', async () => {
    const members = [record('a'), record('b'), record('c', { ...unstarted, raftId: 'cc' })];
    const { options } = world({
      a: described({ members }),
      'join a': () => ({ ...joined, raftId: 'cc', members }),
    });
    const { raftId, isFounder, members: known } = await admitExisting(options);
    assert.deepEqual([raftId, isFounder, known.length], ['cc', false, 3]);
  });

  test('begins without a leader when it is the second voter, and there can be none before', async () => {
    const two = parseCluster(FLAGS.slice(1), 'c', 'test');
    const members = [record('b'), record('c', unstarted)];
    const { options } = world({ b: described({ leader: '', members }) });
    const { raftId, term, vote } = await admitExisting({ ...options, cluster: two });
    assert.deepEqual([raftId, term, vote], [idOf('c'), 3, idOf('c')]);
  });

  test('CONF-4 does not begin without a leader as one of three, although the one that answers never saw it start', async () => {
    const members = [record('a'), record('b'), record('c', unstarted)];
    const { clock, options } = world({ b: described({ leader: '', members }) });
    const refused = assert.rejects(admitExisting(options), /no leader that could say/);
    await clock.advance(10_000);
    await refused;
  });

  test('CONF-4 does not begin without a leader when it has started before', async () => {
    const members = [record('a'), record('b'), record('c')];
    const { clock, options } = world({ a: described({ leader: '', members }) });
    const refused = assert.rejects(admitExisting(options), /no leader that could say/);
    await clock.advance(10_000);
    await refused;
  });
});
