import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { bytesOf } from '@kubelab/rpc/etcd';
import { txnRequest } from '../clients/call.ts';
import { eventsOf, Lab } from '../testing/lab.ts';
import type { SimNode } from '../world/sim-node.ts';

const PROGRESS = { createRequest: null, cancelRequest: null, progressRequest: {} };
/** Checkpoints so often that a member which was away for some writes needs one. */
const SNAPSHOTS = { snapshotCount: 5 };
/** After a compaction: until what is no longer needed is really gone. */
const SWEEP_MS = 1000;

/** `count` writes of `key` at a member; the revision of the last. */
async function write(lab: Lab, node: SimNode, key: string, count: number): Promise<number> {
  let revision = 0;
  for (let i = 1; i <= count; i++) revision = await lab.put(node, key, `${key}${i}`);
  return revision;
}

/** Bugs that etcd's watches had. Each scenario would fail on the bug that it is named after. */
describe('regressions of watches', () => {
  // etcd sent the notice at once, with the store's revision, while watches of the stream still lacked events.
  test('etcd 15220: a requested progress notice does not overtake events that a slow stream still lacks', () =>
    Lab.run(async (lab) => {
      const node = lab.leader;
      const watch = lab.watch(node, { key: 'a' });
      await lab.until('created', () => watch.received.length === 1);
      watch.read(0);
      await write(lab, node, 'a', 3);
      watch.session.request(PROGRESS);
      await lab.pass(100);
      assert.deepEqual(watch.received.slice(2), [], 'nothing but the response that filled the stream');
      watch.read(Infinity);
      await lab.until('progress', () => watch.received.some(({ type }) => type === 'progress'));
      assert.deepEqual(eventsOf(watch.received), ['a=a1@2', 'a=a2@3', 'a=a3@4']);
      const last = must(watch.received.at(-1));
      assert.deepEqual([last.type, last.revision], ['progress', 4]);
    }));

  // A member that was cut off got the leader's snapshot; its watches then began again below what they had told.
  test('etcd 15271: a watch on a member that catches up by a snapshot goes on where it was', () =>
    Lab.run(async (lab) => {
      const away = must(lab.followers[0]);
      const watch = lab.watch(away, { key: 'a', end: 'z' });
      await write(lab, lab.leader, 'a', 4);
      await lab.until('four events', () => eventsOf(watch.received).length === 4);
      lab.isolate(away);
      await write(lab, lab.leader, 'b', 40);
      assert.equal(lab.revisionAt(away), 5);
      const before = must(away.running).member.machine.store;
      lab.heal();
      await lab.untilSame();
      assert.notEqual(must(away.running).member.machine.store, before, 'it got a snapshot');
      await lab.until('all events', () => eventsOf(watch.received).length >= 44);
      await lab.pass(100);
      const revisions = watch.received.flatMap(({ events }) => events.map(({ revision }) => revision));
      assert.deepEqual(
        revisions,
        Array.from({ length: 44 }, (_, i) => i + 2),
      );
      const headers = watch.received.map(({ revision }) => revision);
      assert.deepEqual(
        headers,
        headers.toSorted((a, b) => a - b),
      );
    }, SNAPSHOTS));

  // A transaction's keys, written out of order, stood in the read buffer twice: who read history got both.
  test('etcd 17247: history read while transactions are written tells each change once', () =>
    Lab.run(async (lab) => {
      const node = lab.leader;
      const watches = [];
      for (let i = 0; i < 12; i++) {
        // From the beginning: it reads history, while the next transaction is under way.
        watches.push(lab.watch(node, { key: 'a', end: 'zz', from: 1 }));
        await lab.ask(node, ({ kv }) =>
          kv.txn(
            txnRequest({
              success: ['z', 'm', 'a'].map((key) => ({
                requestPut: { key: bytesOf(key), value: bytesOf(`${key}${i}`) },
              })),
            }),
          ),
        );
      }
      await lab.pass(50);
      const want = Array.from({ length: 12 }, (_, i) =>
        ['z', 'm', 'a'].map((key) => `${key}=${key}${i}@${i + 2}`),
      );
      for (const watch of watches) assert.deepEqual(eventsOf(watch.received), want.flat());
    }));

  // Watches that fell behind on a slow stream were compacted over without a word: their events were lost.
  test('etcd 17529: of many watches on one slow stream each gets every event, or is told of the compaction', () =>
    Lab.run(async (lab) => {
      const node = lab.leader;
      const shared = lab.watch(node, { key: 'k', end: 'l', id: 1 });
      for (let id = 2; id <= 60; id++) lab.watch(node, { key: 'k', end: 'l', id }, shared);
      await lab.until('created', () => shared.received.length === 60);
      shared.read(0);
      await write(lab, node, 'k', 30);
      // Some get ahead, a few at a time.
      for (let turn = 0; turn < 5; turn++) {
        shared.read(5);
        await lab.pass(1);
        await write(lab, node, 'k2', 5);
      }
      shared.read(25);
      await lab.pass(1);
      // What the others still lack goes.
      await lab.request(node, { type: 'compact', revision: lab.revisionAt(node) - 2 });
      await lab.pass(SWEEP_MS);
      shared.read(Infinity);
      await lab.pass(200);
      const all = Array.from({ length: 55 }, (_, i) => i + 2);
      let cancelled = 0;
      for (const [id, received] of shared.byId) {
        const revisions = received.flatMap(({ events }) => events.map(({ revision }) => revision));
        const isCancelled = received.at(-1)?.type === 'compacted';
        if (isCancelled) cancelled++;
        assert.deepEqual(revisions, isCancelled ? all.slice(0, revisions.length) : all, `watch ${id}`);
      }
      assert.ok(cancelled > 0 && cancelled < 60, `${cancelled} cancelled`);
    }));

  // The index of a deleted key was dropped with the compaction at its deletion.
  test('etcd 18089: a watch from a compacted deletion on still gets that deletion', () =>
    Lab.run(async (lab) => {
      const node = lab.leader;
      await write(lab, node, 'k', 3);
      const { revision } = await lab.request(node, { type: 'delete', key: 'k', end: undefined });
      await lab.put(node, 'k', 'again');
      await lab.request(node, { type: 'compact', revision });
      await lab.pass(SWEEP_MS);
      for (const each of lab.nodes) {
        await lab.untilSame();
        const watch = lab.watch(each, { key: 'k', from: revision });
        await lab.until('events', () => eventsOf(watch.received).length === 2);
        assert.deepEqual(eventsOf(watch.received), [`-k@${revision}`, `k=again@${revision + 1}`], each.name);
      }
    }));

  // A deletion with nothing of its key left before it was not read back into the index at a start.
  test('etcd 19179: a deletion at the compacted revision is still told after a restart, and by who got a snapshot', () =>
    Lab.run(async (lab) => {
      const away = must(lab.followers[0]);
      lab.isolate(away);
      await write(lab, lab.leader, 'k', 1);
      const { revision } = await lab.request(lab.leader, { type: 'delete', key: 'k', end: undefined });
      await lab.request(lab.leader, { type: 'compact', revision });
      await lab.pass(SWEEP_MS);
      // Enough for checkpoints that no longer know of what came before.
      await write(lab, lab.leader, 'other', 20);
      lab.heal();
      await lab.untilSame();
      await lab.restart(must(lab.followers.find((node) => node !== away)));
      await lab.untilSame();
      for (const node of lab.nodes) {
        const watch = lab.watch(node, { key: 'k', end: 'l', from: revision });
        await lab.pass(50);
        assert.deepEqual(eventsOf(watch.received), [`-k@${revision}`], node.name);
      }
    }, SNAPSHOTS));

  // Restoring a snapshot lowered the start of watches that wait for a revision still to come.
  test('etcd 20221: a watch from a future revision gets nothing from before it when a snapshot jumps there', () =>
    Lab.run(async (lab) => {
      const away = must(lab.followers[0]);
      await write(lab, lab.leader, 'a', 2);
      await lab.untilSame();
      lab.isolate(away);
      const future = lab.watch(away, { key: 'a', end: 'z', from: 30 });
      const farFuture = lab.watch(away, { key: 'a', end: 'z', from: 100 });
      await lab.until('created', () => farFuture.received.length === 1);
      await write(lab, lab.leader, 'b', 40);
      lab.heal();
      await lab.untilSame();
      farFuture.session.request(PROGRESS);
      await lab.until('events', () => eventsOf(future.received).length === 14);
      const revisions = future.received.flatMap(({ events }) => events.map(({ revision }) => revision));
      assert.deepEqual(
        revisions,
        Array.from({ length: 14 }, (_, i) => i + 30),
      );
      assert.deepEqual(eventsOf(farFuture.received), []);
    }, SNAPSHOTS));
});
