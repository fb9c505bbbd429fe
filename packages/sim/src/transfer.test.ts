import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { Lab } from './testing/lab.ts';

describe('leadership that is passed on', () => {
  test('to a member that cannot be reached costs a write two election timeouts, not all its time', () =>
    Lab.run(
      async (lab) => {
        const { leader } = lab;
        const [heir] = lab.followers;
        await lab.put(leader, 'a', '1');
        lab.isolate(must(heir));
        const targetID = Number.parseInt(must(heir).id, 16);
        const moved = lab.begin(leader, ({ maintenance }) => maintenance.moveLeader({ targetID }));
        await lab.pass(5);
        const startMs = lab.timeline.nowMs;
        assert.equal(await lab.put(leader, 'a', '2'), 3);
        assert.ok(lab.timeline.nowMs - startMs < 1500, `${lab.timeline.nowMs - startMs} ms`);
        await lab.until('the transfer to be over', () => moved.state !== 'pending');
        assert.equal(moved.state, 'failed');
      },
      { electionMs: 500 },
    ));

  test('to one that is up moves at once, and nothing is lost', () =>
    Lab.run(async (lab) => {
      const { leader } = lab;
      const [heir] = lab.followers;
      const targetID = Number.parseInt(must(heir).id, 16);
      const moved = lab.begin(leader, ({ maintenance }) => maintenance.moveLeader({ targetID }));
      const put = lab.beginPut(leader, 'a', '1');
      await lab.until('both', () => moved.state !== 'pending' && put.state !== 'pending');
      assert.deepEqual([moved.state, put.state, lab.leader.name], ['ok', 'ok', must(heir).name]);
      await lab.untilSame();
    }));
});
