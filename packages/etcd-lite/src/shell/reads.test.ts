import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { LinearizableReads } from './reads.ts';

/** Reads of a member that has applied nothing, and the names of the questions that it has asked. */
function reads(firstContext: number) {
  const asked: string[] = [];
  const made = new LinearizableReads({
    clock: new FakeClock(),
    timeoutMs: 1000,
    firstContext,
    readIndex: (context) => {
      asked.push(context);
      return 'accepted';
    },
    applied: () => 0,
    wake: () => undefined,
  });
  return { made, asked };
}

describe('linearizable reads', () => {
  test('READ-1 an answer to a question from before a restart answers none of after it', async () => {
    const before = reads(1000);
    const lost = assert.rejects(before.made.wait());
    before.made.beforeRound();
    before.made.stop();
    await lost;
    const after = reads(2000);
    const waiting = after.made.wait();
    after.made.beforeRound();
    let isAnswered = false;
    void waiting.then(() => (isAnswered = true));
    after.made.answered(before.asked.map((context) => ({ context, index: 0 })));
    await new Promise(setImmediate);
    assert.equal(isAnswered, false);
    after.made.answered(after.asked.map((context) => ({ context, index: 0 })));
    await waiting;
    after.made.stop();
  });

  test('that are confirmed, and wait for entries, are refused at the end too', async () => {
    const { made, asked } = reads(1);
    const refused = assert.rejects(made.wait(), { reason: 'stopped' });
    made.beforeRound();
    made.answered(asked.map((context) => ({ context, index: 9 })));
    made.stop();
    await refused;
  });
});
