import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { eventsOf, Lab } from '../testing/lab.ts';
import type { Tearing } from '../world/inode.ts';
import type { SimNode } from '../world/sim-node.ts';

/** A checkpoint every other entry. */
const ALONE = { nodeCount: 1, snapshotCount: 2 };
const TEARINGS: readonly Tearing[] = ['all-lost', 'some-lost', 'none-lost'];

/** Puts `n` = first, first + 1, … until the machine dies in the midst of it; what was acknowledged. */
async function putUntilCrash(lab: Lab, node: SimNode, first: number, count: number): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let n = first; n < first + count; n++) {
    const put = lab.beginPut(node, 'n', String(n));
    await lab.until('an answer or the crash', () => put.state !== 'pending' || !node.isUp);
    if (put.state === 'ok') acknowledged.push(n);
    if (!node.isUp) break;
  }
  return acknowledged;
}

/** The machine dies as its `operation`-th operation of the disk from now on begins. */
function crashAt(lab: Lab, node: SimNode, operation: number, tearing: Tearing): void {
  let left = operation;
  node.disk.mood.onOperation = () => {
    if (left-- !== 0) return;
    lab.timeline.at(0, node.life, { event: 'crash' }, () => node.crash(tearing));
  };
}

/** All values that `n` ever had, from the history. */
async function valuesOf(lab: Lab, node: SimNode): Promise<number[]> {
  const watch = lab.watch(node, { key: 'n', from: 1 });
  await lab.pass(20);
  return eventsOf(watch.received).map((event) => Number(/=(\d+)@/.exec(event)?.[1]));
}

/** Bugs that etcd had with crashes. Each scenario would fail on the bug that it is named after. */
describe('regressions of durability', () => {
  // The applied index was saved without the data that it stood for, or after it: entries were skipped or done twice.
  test('etcd 13766: a crash at any operation of the disk leaves each write applied once', async () => {
    for (let operation = 0; operation < 45; operation++) {
      const tearing = TEARINGS[operation % 3] ?? 'all-lost';
      await Lab.run(
        async (lab) => {
          const [node] = lab.nodes;
          const first = must(node);
          crashAt(lab, first, operation, tearing);
          const acknowledged = await putUntilCrash(lab, first, 1, 8);
          await lab.restart(first, tearing);
          await lab.until('it leads', () => first.running?.member.leadership.isLeader === true);
          acknowledged.push(...(await putUntilCrash(lab, first, 100, 3)));
          const values = await valuesOf(lab, first);
          const at = `crash at ${operation}, ${tearing}`;
          assert.deepEqual(
            values,
            [...new Set(values)].toSorted((a, b) => a - b),
            `${at}: each once, in order`,
          );
          assert.deepEqual(
            acknowledged.filter((n) => !values.includes(n)),
            [],
            `${at}: nothing acknowledged is lost`,
          );
          assert.equal(lab.revisionAt(first), 1 + values.length, at);
        },
        ALONE,
        operation + 1,
      );
    }
  });

  // A single member answered when Raft had committed, which was before its log was synced.
  test('etcd 14370: a single member acknowledges nothing before it is durable', () =>
    Lab.run(
      async (lab) => {
        const node = must(lab.nodes[0]);
        let syncs = 0;
        for (let n = 0; n < 10; n++) {
          const put = lab.beginPut(node, 'k', String(n));
          // A sync that takes a second: it has begun, and is not done.
          node.disk.mood.slowness = 2000;
          node.disk.mood.onOperation = (operation) => {
            if (operation === 'sync') syncs++;
          };
          const before = syncs;
          await lab.until('a sync', () => syncs > before);
          await lab.pass(300);
          assert.equal(put.state, 'pending', 'not before the sync is done');
          await lab.restart(node);
          await lab.until('it leads', () => node.running?.member.leadership.isLeader === true);
          const { found } = await lab.request(node, {
            type: 'get',
            key: 'k',
            end: undefined,
            serializable: false,
          });
          assert.deepEqual(found, []);
        }
      },
      { nodeCount: 1 },
    ));

  // Defragmentation committed the data without its index; after a crash in it entries were applied once more.
  test('etcd 14685: a crash during defragmentation applies nothing twice', async () => {
    for (let operation = 0; operation < 12; operation++) {
      await Lab.run(
        async (lab) => {
          const { leader } = lab;
          await putUntilCrash(lab, leader, 1, 6);
          const node = must(lab.followers[0]);
          crashAt(lab, node, operation, 'none-lost');
          const defragment = lab.begin(node, async ({ maintenance }) => await maintenance.defragment());
          const writes = putUntilCrash(lab, leader, 10, 6);
          await writes;
          await lab.until('an answer or the crash', () => defragment.state !== 'pending' || !node.isUp);
          await lab.restart(node, 'none-lost');
          await lab.untilSame();
          const [one, ...others] = lab.nodes.map((each) => lab.revisionAt(each));
          assert.ok(others.every((revision) => revision === one));
          assert.deepEqual(await valuesOf(lab, node), [1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15]);
        },
        { snapshotCount: 3 },
        operation + 1,
      );
    }
  });

  // Compaction took the newest revision, a deletion, from disk; after a crash the revision was one that had been used.
  test('etcd 17780: the revision never goes back after a crash in the compaction of a deletion', async () => {
    for (let operation = 0; operation < 40; operation++) {
      const tearing = TEARINGS[operation % 3] ?? 'all-lost';
      await Lab.run(
        async (lab) => {
          const node = must(lab.nodes[0]);
          await lab.put(node, 'k', '1');
          const { revision } = await lab.request(node, { type: 'delete', key: 'k', end: undefined });
          crashAt(lab, node, operation, tearing);
          const compact = lab.begin(node, ({ kv }) => kv.compact({ revision, physical: true }));
          await lab.until('an answer or the crash', () => compact.state !== 'pending' || !node.isUp);
          // Checkpoints that no longer hold the deletion.
          for (let i = 0; i < 4 && node.isUp; i++) {
            const more = lab.begin(node, ({ kv }) => kv.compact({ revision, physical: true }));
            await lab.until('an answer or the crash', () => more.state !== 'pending' || !node.isUp);
          }
          await lab.restart(node, tearing);
          await lab.until('it leads', () => node.running?.member.leadership.isLeader === true);
          await lab.ask(node, ({ member }) => member.linearize());
          assert.equal(lab.revisionAt(node), revision, `crash at ${operation}, ${tearing}`);
          assert.equal(await lab.put(node, 'k', '2'), revision + 1);
        },
        { nodeCount: 1, snapshotCount: 1 },
        operation + 1,
      );
    }
  });
});
