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

  test('to a member that one other has never heard of brings that one up to date too', () =>
    Lab.run(async (lab) => {
      // The one that is not asked by whoever joins.
      const behind = must(lab.followers.at(-1));
      lab.isolate(behind);
      const added = await lab.join('n4');
      await lab.put(lab.leader, 'a', '1');
      const targetID = Number.parseInt(added.id, 16);
      await lab.ask(lab.leader, ({ maintenance }) => maintenance.moveLeader({ targetID }));
      lab.heal();
      await lab.untilSame();
      assert.equal(lab.leader.name, 'n4');
    }));

  test('keeps a change of members waiting, which ends in good order with the member', () =>
    Lab.run(async (lab) => {
      const { leader } = lab;
      const heir = must(lab.followers[0]);
      lab.isolate(heir);
      const targetID = Number.parseInt(heir.id, 16);
      lab.begin(leader, ({ maintenance }) => maintenance.moveLeader({ targetID }));
      const request = { peerURLs: ['http://n9:2380'], isLearner: true, autoPromote: false, replaces: 0 };
      const added = lab.begin(leader, ({ cluster }) => cluster.add(request));
      await lab.pass(5);
      assert.equal(added.state, 'pending');
      lab.begin(leader, ({ member }) => member.stop());
      await lab.pass(200);
      assert.equal(added.state, 'failed');
    }));

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
