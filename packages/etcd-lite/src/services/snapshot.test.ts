import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { Init, ServerStream } from '@kubelab/rpc';
import { DowngradeAction, type SnapshotResponse } from '@kubelab/rpc/etcd';
import { DatabaseReader } from '../bbolt/reader.ts';
import { importState } from '../schema/import.ts';
import type { Member } from '../shell/member.ts';
import { loneMember } from '../testing/lone-member.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { downgrade } from './downgrade.ts';
import { maintenanceService } from './maintenance.ts';
import { snapshotService } from './snapshot.ts';

/** A client that takes as many responses as it is told to. */
class SlowClient {
  readonly responses: Init<SnapshotResponse>[] = [];
  readonly peer = 'test';
  isOver = false;
  #room: number;
  #wake: (() => void) | undefined;
  #full = Promise.withResolvers<void>();

  constructor(room: number) {
    this.#room = room;
  }

  write(response: Init<SnapshotResponse>): boolean {
    this.responses.push(response);
    return --this.#room > 0;
  }

  drained(): Promise<void> {
    this.#full.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }

  /** Resolves when the writer waits for room. */
  full(): Promise<void> {
    return this.#full.promise;
  }

  reads(count: number): void {
    this.#room += count;
    this.#full = Promise.withResolvers();
    this.#wake?.();
  }

  leaves(): void {
    this.isOver = true;
    this.#wake?.();
  }

  /** What the service sees of it. */
  get stream(): ServerStream<unknown, Init<SnapshotResponse>> {
    return this as unknown as ServerStream<unknown, Init<SnapshotResponse>>;
  }
}

describe('maintenance of a whole store', () => {
  let member: Member;
  const put = (key: string, value: Uint8Array): Promise<unknown> =>
    member.propose({ put: { key: Buffer.from(key), value } });

  before(async () => {
    member = await loneMember({ snapshotCount: 100_000 });
    await member.linearize();
    await Promise.all(Array.from({ length: 1000 }, (_, i) => put(`k${i % 200}`, Buffer.alloc(300, i))));
    await put('large', Buffer.alloc(200_000, 1));
  });
  after(() => member.stop());

  test('a snapshot is pieces of 32 KiB with what remains, then the SHA-256 of them', async () => {
    const client = new SlowClient(Number.POSITIVE_INFINITY);
    await snapshotService(member).snapshot({}, client.stream);
    const blobs = client.responses.map(({ blob }) => Buffer.from(must(blob)));
    const digest = must(blobs.pop());
    const database = Buffer.concat(blobs);
    assert.equal(digest.toString('hex'), createHash('sha256').update(database).digest('hex'));
    assert.ok(blobs.slice(0, -1).every(({ length }) => length === 32 * 1024));
    let remaining = database.length;
    for (const [at, { remainingBytes }] of client.responses.slice(0, -1).entries()) {
      remaining -= must(blobs[at]).length;
      assert.equal(remainingBytes, remaining);
    }
    assert.equal(remaining, 0);
    assert.equal(client.responses.at(-1)?.remainingBytes, 0);
    const disk = new MemoryDisk();
    disk.files.set('/db', database);
    const state = await importState(await DatabaseReader.open(await disk.open('/db'), '/db'));
    assert.equal(state.store.revision, member.machine.store.revision);
    assert.equal(state.store.keyCount, 201);
  });

  test('SNAP-1 a client that reads slowly slows the writing down, and gets the state of when it asked', async () => {
    const client = new SlowClient(2);
    const { revision } = member.machine.store;
    const done = snapshotService(member).snapshot({}, client.stream);
    for (let i = 0; i < 5; i++) {
      await client.full();
      assert.equal(client.responses.length, 2 * (i + 1));
      await put(`new${i}`, Buffer.alloc(10));
      client.reads(2);
    }
    client.reads(1_000_000);
    await done;
    const disk = new MemoryDisk();
    const blobs = client.responses.slice(0, -1).map(({ blob }) => must(blob));
    disk.files.set('/db', Buffer.concat(blobs));
    const state = await importState(await DatabaseReader.open(await disk.open('/db'), '/db'));
    assert.equal(state.store.revision, revision);
  });

  test('nothing more is written for a client that is gone', async () => {
    const client = new SlowClient(2);
    const done = snapshotService(member).snapshot({}, client.stream);
    await client.full();
    client.leaves();
    await done;
    assert.equal(client.responses.length, 2);
  });

  test('Hash changes with any write, not by itself', async () => {
    const { hash } = snapshotService(member);
    const before1 = await hash();
    assert.deepEqual(await hash(), before1);
    await put('another', Buffer.alloc(1));
    assert.notEqual((await hash()).hash, before1.hash);
  });

  test('Defragment takes from the disk what is no longer needed', async () => {
    const { defragment, status } = maintenanceService(member);
    await member.propose({ deleteRange: { key: Buffer.from('k'), rangeEnd: Buffer.from('m') } });
    await defragment();
    const large = Number(status().dbSize);
    await member.propose({ compaction: { revision: member.machine.store.revision } });
    while (member.machine.store.sweep());
    await defragment();
    const small = Number(status().dbSize);
    assert.ok(small < large, `${small} < ${large}`);
    const applied = member.applied;
    await defragment();
    assert.equal(member.applied, applied);
  });

  test('Downgrade is validated as etcd 3.5 does it; none is enabled, so none is cancelled', async () => {
    const { VALIDATE, ENABLE, CANCEL } = DowngradeAction;
    const valid = await downgrade(member, { action: VALIDATE, version: '3.4' });
    assert.equal(valid.version, '3.5.0');
    assert.equal((await downgrade(member, { action: VALIDATE, version: '3.4.23' })).version, '3.5.0');
    const cases: readonly [action: number, version: string, code: number, text: string][] = [
      [VALIDATE, '3.3.0', 3, 'invalid downgrade target version'],
      [VALIDATE, '3.5.0', 3, 'invalid downgrade target version'],
      [VALIDATE, 'v3.4', 3, 'wrong downgrade target version format'],
      [VALIDATE, '', 3, 'wrong downgrade target version format'],
      [ENABLE, '3.4.0', 3, 'invalid downgrade target version'],
      [ENABLE, 'x', 3, 'wrong downgrade target version format'],
      [CANCEL, '', 9, 'no inflight downgrade job'],
      [7, '', 2, 'unknown method'],
    ];
    for (const [action, version, code, text] of cases)
      await assert.rejects(downgrade(member, { action, version }), { code, details: `etcdserver: ${text}` });
  });
});
