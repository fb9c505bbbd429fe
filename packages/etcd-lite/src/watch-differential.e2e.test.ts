import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { must, type Random, seededRandom } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import type { Init } from '@kubelab/rpc';
import { Channel, type EtcdClient } from '@kubelab/rpc/client';
import {
  bytesOf,
  etcdServices,
  type RequestOp,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from '@kubelab/rpc/etcd';
import { BothStores, plain } from './testing/both.ts';

/** The same watches and the same writes on etcd and on ours: each watch is told the same, event by event. */
const b = bytesOf;
const SEED = Number(process.env['SEED'] ?? 1);
const WRITES = Number(process.env['REQUESTS'] ?? 400);
const EVERY = 8;
const { skip } = BothStores;

/** One stream, and what each of its watches was told. */
class Stream {
  readonly #channel: Channel;
  readonly #stream;
  readonly responses: WatchResponse[] = [];

  constructor(url: string) {
    this.#channel = new Channel(url);
    this.#stream = this.#channel.bidi<Init<WatchRequest>, WatchResponse>(etcdServices.Watch, 'Watch');
    this.#stream.on('data', (response: WatchResponse) => this.responses.push(response));
    this.#stream.on('error', () => undefined);
  }

  send(request: Init<WatchRequest>): void {
    this.#stream.write(request);
  }

  /** Everything but events and progress: creations and cancellations. */
  get announcements(): WatchResponse[] {
    return this.responses.filter(({ created, canceled }) => created || canceled);
  }

  announcementsOf(id: number): unknown[] {
    return this.announcements.filter(({ watchId }) => watchId === id).map(announcement);
  }

  eventsOf(id: number): unknown[] {
    return this.responses.filter(({ watchId }) => watchId === id).flatMap(({ events }) => events.map(plain));
  }

  close(): void {
    this.#stream.cancel();
    this.#channel.close();
  }
}

describe('watches are told what a real etcd tells', { skip }, () => {
  let both: BothStores;
  const streams: Stream[] = [];
  before(async () => {
    both = await BothStores.start();
    for (const { endpoints } of both.stores) streams.push(new Stream(endpoints[0] ?? ''));
  });
  after(async () => {
    for (const stream of streams) stream.close();
    await both.stop();
  });

  const theirs = (): Stream => must(streams[0]);
  const ours = (): Stream => must(streams[1]);

  async function sendBoth(request: Init<WatchRequest>): Promise<void> {
    const before = streams.map(({ announcements }) => announcements.length);
    for (const stream of streams) stream.send(request);
    if (request.progressRequest !== undefined) return;
    await eventually('an announcement', () =>
      streams.every(({ announcements }, i) => announcements.length > (before[i] ?? 0)),
    );
  }

  async function writeBoth(
    write: (client: EtcdClient) => Promise<{ header: { revision: number } }>,
  ): Promise<number> {
    const [a, c] = await Promise.all(both.clients.map(write));
    assert.equal(c?.header.revision, a?.header.revision);
    return a?.header.revision ?? 0;
  }

  /** Everything up to the revision has come on both streams; 3.4's own word for it comes too early (15220). */
  async function allTold(revision: number, ids: readonly number[]): Promise<void> {
    await eventually('progress on both', () => {
      for (const stream of streams) stream.send({ progressRequest: {} });
      return streams.every(({ responses }) => {
        const last = responses.findLast(({ watchId }) => watchId === -1);
        return (last?.header.revision ?? 0) >= revision;
      });
    });
    const isBehind = (id: number): boolean =>
      theirs().eventsOf(id).length < ours().eventsOf(id).length ||
      theirs().announcementsOf(id).length < ours().announcementsOf(id).length;
    // What is missing for good is told by the comparison.
    await eventually('as much on both', () => !ids.some(isBehind), 3000).catch(() => undefined);
  }

  test(`${WRITES} random writes under watches of every kind (SEED=${SEED})`, async () => {
    const random = seededRandom(SEED);
    let revision = 1;
    let compacted = 0;
    const ids: number[] = [];
    for (let i = 0; i < WRITES; i++) {
      if (i % EVERY === 0) {
        const id = ids.length + 1;
        ids.push(id);
        await sendBoth({ createRequest: { ...randomWatch(random, revision, compacted), watchId: id } });
      }
      if (i % 97 === 96) {
        // etcd reads history for watches ten times a second: what it has not read by now it would never tell.
        await allTold(revision, ids);
        compacted = revision - 20;
        await writeBoth((client) => client.compact({ revision: compacted }));
      }
      const write = randomWrite(random, i);
      revision = await writeBoth(write);
      if (i % 41 === 40) {
        const open = ids.filter((id) => streams.every((stream) => stream.announcementsOf(id).length === 1));
        const watchId = open[random.int(open.length)] ?? 0;
        await allTold(revision, [watchId]);
        await sendBoth({ cancelRequest: { watchId } });
      }
    }
    await allTold(revision, ids);
    let eventCount = 0;
    for (const id of ids) {
      const told = theirs().eventsOf(id);
      assert.deepEqual(ours().eventsOf(id), told, `watch ${id}`);
      assert.deepEqual(ours().announcementsOf(id), theirs().announcementsOf(id), `watch ${id}`);
      eventCount += told.length;
    }
    assert.ok(eventCount > WRITES, `${eventCount} events`);
  });

  test('a large response comes in fragments, the last of which says so', async () => {
    const { header } = await both.clients[0].range({ key: b('x') });
    const from = header.revision + 1;
    let revision = 0;
    for (let i = 0; i < 40; i++)
      revision = await writeBoth((client) =>
        client.put({ key: b(`big${i}`), value: Buffer.alloc(100_000, 48 + i) }),
      );
    const create = { key: b('big'), rangeEnd: b('bih'), startRevision: from, watchId: 9000, fragment: true };
    await sendBoth({ createRequest: create });
    await allTold(revision, [9000]);
    assert.deepEqual(ours().eventsOf(9000), theirs().eventsOf(9000));
    for (const stream of streams) {
      const pieces = stream.responses.filter(({ watchId, events }) => watchId === 9000 && events.length > 0);
      assert.ok(pieces.length > 1, 'more than one piece');
      assert.equal(pieces.at(-1)?.fragment, false);
      assert.ok(pieces.some(({ fragment }) => fragment));
      for (const { events } of pieces)
        assert.ok(
          events.reduce((sum, { kv }) => sum + kv.value.length, 0) < 2 * 1024 * 1024,
          'a piece is small',
        );
    }
  });

  test('what cannot be watched is refused in the same way', async () => {
    const cases: readonly (readonly [string, Init<WatchCreateRequest>])[] = [
      ['an empty range', { key: b('b'), rangeEnd: b('a') }],
      ['a range that ends where it starts', { key: b('b'), rangeEnd: b('b') }],
      ['a compacted revision', { key: b('b'), startRevision: 2 }],
      ['an id that is taken', { key: b('b'), watchId: 9000 }],
      ['everything', { key: b(''), rangeEnd: b('\0') }],
    ];
    for (const [name, createRequest] of cases) {
      await sendBoth({ createRequest });
      await eventually(name, () => ours().announcements.length === theirs().announcements.length);
      const [their, our] = [theirs(), ours()].map(({ announcements }) =>
        announcements.slice(-2).map(announcement),
      );
      assert.deepEqual(our, their, name);
    }
  });

  test('a negative revision is refused at once, as later releases do; 3.4 takes it for a compacted one', async () => {
    await sendBoth({ createRequest: { key: b('b'), startRevision: -3 } });
    await eventually('a refusal', () => {
      const last = ours().announcements.at(-1);
      return last?.created && last.canceled && /revision has been compacted/.test(last.cancelReason);
    });
    await eventually('a cancellation', () => {
      const [created, cancelled] = theirs().announcements.slice(-2);
      return created?.created && cancelled?.canceled && cancelled.compactRevision > 0;
    });
  });
});

/** Of a creation or cancellation what clients look at; etcd notices a compaction later, when there may be a newer one. */
function announcement(response: WatchResponse): unknown {
  const { watchId, created, canceled, cancelReason, compactRevision } = response;
  return { watchId, created, canceled, cancelReason, isCompacted: compactRevision > 0 };
}

function randomKey(random: Random): string {
  return ['a', 'a/1', 'a/2', 'b', 'b/1', 'c'][random.int(6)] ?? 'a';
}

function randomWatch(random: Random, revision: number, compacted: number): Init<WatchCreateRequest> {
  const key = randomKey(random);
  const past = Math.min(revision, compacted + 1 + random.int(40));
  return {
    key: b(key),
    ...(random.int(3) > 0 && { rangeEnd: b(random.int(4) === 0 ? '\0' : 'd') }),
    startRevision: [0, past, revision + 3, Math.max(1, compacted - 3)][random.int(4)] ?? 0,
    filters: [[], [], [0], [1], [0, 1]][random.int(5)] ?? [],
    prevKv: random.int(2) === 0,
    progressNotify: random.int(3) === 0,
    fragment: random.int(3) === 0,
  };
}

function randomWrite(random: Random, i: number) {
  const put = (name: string): Init<RequestOp> => ({ requestPut: { key: b(name), value: b(`v${i}`) } });
  const first = randomKey(random);
  const second = randomKey(random);
  const rangeEnd = b(random.int(2) === 0 ? '' : 'b/2');
  switch (random.int(5)) {
    case 0:
      return (client: EtcdClient) => client.deleteRange({ key: b(first), rangeEnd });
    case 1:
      return (client: EtcdClient) =>
        client.txn({ success: first === second ? [put(first)] : [put(second), put(first)] });
    case 2:
      return (client: EtcdClient) =>
        client.txn({ success: [{ requestDeleteRange: { key: b(first), rangeEnd: b('b') } }, put('c')] });
    default:
      return (client: EtcdClient) => client.put({ key: b(first), value: b(`v${i}`) });
  }
}
