import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { type Logger, realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { GrpcServer } from '@kubelab/rpc';
import type { Message } from 'raft-consensus';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { PeerDoor } from './peer-door.ts';
import type { PeerServiceOptions } from './peer-service.ts';
import { PeerStreams } from './peer-streams.ts';
import { Peers, type PeersOptions } from './peers.ts';

const HEARTBEAT: Message = { type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 0, round: 0 };
const LIVES = { own: '', of: () => '' };
const unused = (): never => assert.fail('not asked here');

/** Member b as far as others talk to it. */
async function listener(t: TestContext, given: Partial<PeerServiceOptions> = {}) {
  const heard: Message[] = [];
  const gone: string[] = [];
  let streamCount = 0;
  let forget: (raftId: string) => void = unused;
  const options: PeerServiceOptions = {
    clusterId: '7',
    raftId: 'b',
    describe: unused,
    join: unused,
    changeMembers: unused,
    isRemoved: () => false,
    lives: LIVES,
    onForgotten: unused,
    onMet: () => streamCount++,
    onStreams: (given) => (forget = given),
    disk: new MemoryDisk(),
    snapshotFolder: '/snap',
    log: silentLogger,
    onMessages: (messages) => heard.push(...messages),
    onPeerGone: (raftId) => gone.push(raftId),
    leaseRenew: unused,
    hashKv: unused,
    leaseTimeToLive: unused,
    ...given,
  };
  const door = new PeerDoor();
  const server = new GrpcServer({ onUpgrade: new PeerStreams(door).onUpgrade });
  door.open(options);
  t.after(() => server.stop(0));
  const url = `http://127.0.0.1:${await server.listen('127.0.0.1:0')}`;
  const streams = (count: number) => eventually(`stream ${count}`, () => streamCount === count, 2000, 5);
  return { url, heard, gone, streams, forget: (raftId: string) => forget(raftId) };
}

/** Member a. */
function speaker(t: TestContext, url: string, given: Partial<PeersOptions> = {}): Peers {
  const peers = new Peers({
    self: 'a',
    peers: new Map([['b', [url]]]),
    clusterId: '7',
    tls: undefined,
    log: silentLogger,
    clock: realClock,
    disk: new MemoryDisk(),
    newestSnapshot: unused,
    onUnreachable: () => undefined,
    onSnapshotSent: unused,
    onRemoved: unused,
    lives: LIVES,
    selfUrls: () => [],
    onForgotten: unused,
    ...given,
  });
  t.after(() => peers.close());
  return peers;
}

const isHeard = (peers: Peers, heard: readonly Message[]): Promise<true> =>
  eventually(
    'it is heard',
    () => {
      peers.send([HEARTBEAT]);
      return heard.length > 0 || undefined;
    },
    2000,
    20,
  );

describe('a member that lives is heard', () => {
  test('although a stream that it gave up long ago arrives after the one that it speaks on', async (t) => {
    const { url, heard, gone, streams } = await listener(t);
    const peers = speaker(t, url);
    await streams(1);
    const late = speaker(t, url);
    await streams(2);
    late.close();
    await isHeard(peers, heard);
    assert.ok(gone.length <= 1);
  });

  test('again after it was taken for one that has begun anew', async (t) => {
    const { url, heard, streams, forget } = await listener(t);
    const peers = speaker(t, url);
    await streams(1);
    forget('a');
    await isHeard(peers, heard);
  });
});

describe('a member is found', () => {
  const NOBODY = 'http://127.0.0.1:1';

  test('at the second of its URLs, when nobody is at the first', async (t) => {
    const { url, heard } = await listener(t);
    await isHeard(speaker(t, NOBODY, { peers: new Map([['b', [NOBODY, url]]]) }), heard);
  });

  test('where it is said to be, as soon as that is known', async (t) => {
    const { url, heard } = await listener(t);
    const peers = speaker(t, NOBODY);
    peers.send([HEARTBEAT]);
    peers.setPeers(new Map([['b', [url]]]));
    await isHeard(peers, heard);
  });

  test('where it was, as long as it is there', async (t) => {
    const { url, heard, streams } = await listener(t);
    const peers = speaker(t, url);
    await streams(1);
    await eventually('the stream', () => peers.activeSinceMs('b') !== undefined);
    const since = peers.activeSinceMs('b');
    peers.setPeers(new Map([['b', [NOBODY]]]));
    await isHeard(peers, heard);
    assert.equal(peers.activeSinceMs('b'), since);
  });
});

test('where a caller says that it can be answered is taken for no more than URLs', async (t) => {
  const met: (readonly string[])[] = [];
  const { url } = await listener(t, { onMet: (_raftId, urls) => met.push(urls) });
  const many = Array.from({ length: 100 }, (_, i) => `http://127.0.0.1:${1 + i}`);
  const said = ['no URL', 'ftp://x:1', 'http://a:1/path', 'http://b:2', ...many];
  speaker(t, url, { selfUrls: () => said });
  await eventually('a stream', () => met.length > 0);
  assert.deepEqual(met[0]?.slice(0, 2), ['http://b:2', 'http://127.0.0.1:1']);
  assert.ok((met[0]?.length ?? 0) <= 16);
});

test('what a member says on a stream that was forgotten is not heard', async (t) => {
  const { url, heard, streams, forget } = await listener(t);
  const peers = speaker(t, url);
  await streams(1);
  peers.send([HEARTBEAT]);
  forget('a');
  await streams(2);
  assert.deepEqual(heard, []);
});

test('a member that was removed is told so, whenever it happens', async (t) => {
  let isRemoved = false;
  const { url, heard, streams } = await listener(t, { isRemoved: () => isRemoved });
  const told = Promise.withResolvers<void>();
  const peers = speaker(t, url, { onRemoved: () => told.resolve() });
  await streams(1);
  isRemoved = true;
  peers.send([HEARTBEAT]);
  await told.promise;
  assert.deepEqual(heard, []);
});

test('a member of another cluster, or who looks for another member, is refused', async (t) => {
  const { url, heard } = await listener(t);
  const logged: unknown[] = [];
  const log: Logger = { ...silentLogger, info: (_text, fields) => logged.push(fields?.['err']) };
  speaker(t, url, { clusterId: '8', log }).send([HEARTBEAT]);
  await eventually('the first refusal', () => logged.length === 1);
  speaker(t, url, { peers: new Map([['c', [url]]]), log }).send([{ ...HEARTBEAT, to: 'c' }]);
  await eventually('the second refusal', () => logged.length === 2);
  assert.deepEqual(
    logged.map((error) => error instanceof Error && error.message),
    ['etcdserver: cluster ID mismatch', 'this is member b, not c'],
  );
  assert.deepEqual(heard, []);
});

test('what asks for something else, or as something else, is sent away', async (t) => {
  const { url } = await listener(t);
  for (const [path, protocol] of [
    ['/', 'kubelab-raft'],
    ['/raft/stream', 'websocket'],
  ]) {
    const response = Promise.withResolvers<number | undefined>();
    const asking = request(
      url + path,
      { headers: { connection: 'Upgrade', upgrade: protocol } },
      ({ statusCode }) => response.resolve(statusCode),
    );
    asking.on('error', response.reject).end();
    assert.equal(await response.promise, 404);
  }
});
