import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { type Disk, realClock, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { GrpcServer, RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import { confOf, type SnapshotMessage } from 'raft-consensus';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { peerService, raftMessageCodec, type SnapshotChunk } from '../wire.ts';
import { messageToWire } from './message-codec.ts';
import { receiveSnapshot } from './peer-service.ts';
import { Peers } from './peers.ts';

const METADATA = { index: 9, term: 2, conf: confOf(['a', 'b']) };
const MESSAGE: SnapshotMessage = {
  type: 'snapshot',
  from: 'a',
  to: 'b',
  term: 2,
  snapshot: { metadata: METADATA },
};

/** A disk on which reading takes as long as `wait` says. */
function slowDisk(wait: () => Promise<unknown>): Disk {
  const disk = new MemoryDisk();
  disk.files.set('/checkpoint', Buffer.alloc(1000));
  const open = disk.open.bind(disk);
  disk.open = async (...at) => {
    const file = await open(...at);
    return { ...file, read: (...part) => wait().then(() => file.read(...part)) };
  };
  return disk;
}

/** What became of the snapshots that were sent to `port`. */
function sender(port: number, disk: Disk) {
  const outcomes: boolean[] = [];
  const peers = new Peers({
    self: 'a',
    peers: new Map([['b', [`http://127.0.0.1:${port}`]]]),
    clusterId: '7',
    tls: undefined,
    log: silentLogger,
    clock: realClock,
    disk,
    newestSnapshot: () => Promise.resolve({ path: '/checkpoint', metadata: METADATA }),
    onUnreachable: () => undefined,
    onSnapshotSent: (_to, ok) => outcomes.push(ok),
    onRemoved: () => undefined,
    lives: { own: '', of: () => '' },
    selfUrls: () => [],
    onForgotten: () => undefined,
  });
  return { peers, outcomes };
}

describe('sending a snapshot', () => {
  test('to a member that is gone meanwhile fails, and nothing else does', async (t) => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    await new Promise((resolve) => nobody.close(resolve));
    const { peers, outcomes } = sender(
      port,
      slowDisk(() => realClock.sleep(300)),
    );
    t.after(() => peers.close());
    peers.send([MESSAGE]);
    await eventually('the outcome', () => outcomes.length > 0);
    assert.deepEqual(outcomes, [false]);
  });

  test('that cannot be read here is given up at the other end too', async (t) => {
    const server = new GrpcServer();
    t.after(() => server.stop(0));
    const begun = Promise.withResolvers<void>();
    let isOver = false;
    const snapshot = async (stream: ServerStream<object, object>): Promise<void> => {
      begun.resolve();
      await stream.ended;
      isOver = true;
    };
    const unused = (): never => {
      throw new RpcError(StatusCode.UNIMPLEMENTED, 'not asked here');
    };
    const unary = Object.fromEntries(
      Object.entries(peerService)
        .filter(([, { requestStream }]) => !requestStream)
        .map(([rpc]) => [rpc, unused]),
    );
    server.addService(peerService, { unary, bidi: { Snapshot: snapshot } });
    const port = await server.listen('127.0.0.1:0');
    const { peers, outcomes } = sender(
      port,
      slowDisk(() => begun.promise.then(() => Promise.reject(new Error('EIO')))),
    );
    t.after(() => peers.close());
    peers.send([MESSAGE]);
    await eventually('the outcome', () => outcomes.length > 0);
    assert.deepEqual(outcomes, [false]);
    await eventually('the end', () => isOver);
  });
});

describe('receiving a snapshot', () => {
  test('that is damaged leaves nothing behind', async () => {
    const disk = new MemoryDisk();
    async function* chunks(): AsyncGenerator<SnapshotChunk> {
      const message = raftMessageCodec.decode(raftMessageCodec.encode(messageToWire(MESSAGE)));
      yield { message, data: Buffer.alloc(500, 1), isLast: false };
      yield { message: null, data: Buffer.alloc(0), isLast: true };
    }
    const onMessages = (): void => assert.fail('it is damaged');
    await assert.rejects(
      receiveSnapshot(chunks(), 'incoming.tmp', { disk, snapshotFolder: '/snap', onMessages }),
      {
        name: 'CheckpointDamagedError',
      },
    );
    assert.deepEqual([...disk.files.keys()], []);
  });
});
