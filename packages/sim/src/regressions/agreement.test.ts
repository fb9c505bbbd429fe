import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { Member } from '@kubelab/etcd-lite';
import { bytesOf, PermissionType } from '@kubelab/rpc/etcd';
import { txnRequest } from '../clients/call.ts';
import { Lab } from '../testing/lab.ts';

type Body = Parameters<Member['propose']>[0];

const get = (key: string) => ({ type: 'get', key, end: undefined, serializable: true }) as const;

/** Bugs by which etcd's members came to differ, or did what no leader may. Each scenario would fail on its bug. */
describe('regressions of agreement', () => {
  // Users and roles from a snapshot reached the store, not what permissions are looked up in: entries that others applied were refused.
  test('etcd 14571: a member that got users and roles by a snapshot decides as the others do', () =>
    Lab.run(
      async (lab) => {
        const away = must(lab.followers[0]);
        // It has looked permissions up before.
        const propose = (node: typeof away, body: Body): Promise<unknown> =>
          lab.ask(node, ({ member }) => member.propose(body));
        const auth = (change: NonNullable<Body['auth']>): Promise<unknown> =>
          propose(lab.leader, { auth: change });
        const options = { noPassword: true };
        await auth({ userAdd: { name: 'root', options, hashedPassword: '' } });
        await auth({ roleAdd: { name: 'root' } });
        await auth({ userGrantRole: { user: 'root', role: 'root' } });
        await auth({ userAdd: { name: 'alice', options, hashedPassword: '' } });
        await auth({ roleAdd: { name: 'writer' } });
        await auth({ userGrantRole: { user: 'alice', role: 'writer' } });
        await auth({ enable: {} });
        await lab.untilSame();
        const putAs = (value: string): Promise<unknown> => {
          const { revision } = must(lab.leader.running).member.auth.store;
          const put = { key: bytesOf('k'), value: bytesOf(value), lease: 0 };
          return propose(lab.leader, { put, header: { username: 'alice', authRevision: revision } });
        };
        await assert.rejects(putAs('early'), /permission denied/);
        await lab.untilSame();

        lab.isolate(away);
        const header = {
          username: 'root',
          authRevision: must(lab.leader.running).member.auth.store.revision,
        };
        const perm = { permType: PermissionType.READWRITE, key: bytesOf('k'), rangeEnd: bytesOf('l') };
        await propose(lab.leader, { auth: { roleGrantPermission: { name: 'writer', perm } }, header });
        for (let i = 0; i < 30; i++) await putAs(`v${i}`);
        lab.heal();
        await lab.untilSame();
        // Refused by one, this would make it differ for good.
        await putAs('last');
        await lab.untilSame();
        const values = lab.nodes.map(({ running }) => must(running).member.machine.store.revision);
        assert.deepEqual(new Set(values).size, 1);
        await lab.restart(away);
        await putAs('after a restart');
        await lab.untilSame();
      },
      { snapshotCount: 5 },
    ));

  // Only the member that was asked looked at the reads in a transaction: it refused where others applied.
  test('etcd 18667: a transaction that reads a compacted revision is refused by all members or by none', () =>
    Lab.run(async (lab) => {
      const { leader } = lab;
      let revision = 0;
      for (let i = 0; i < 10; i++) revision = await lab.put(leader, 'k', String(i));
      const txn = (readRevision: number) =>
        txnRequest({
          success: [
            { requestPut: { key: bytesOf('written'), value: bytesOf('x') } },
            { requestRange: { key: bytesOf('k'), revision: readRevision } },
          ],
        });
      let refused = 0;
      // Of the same moment: when the transaction was taken in, the revision was still there.
      for (const node of [...lab.nodes, ...lab.nodes]) {
        const readRevision = revision - 2;
        const compact = lab.begin(leader, ({ kv }) => kv.compact({ revision: revision - 1, physical: true }));
        const reading = lab.begin(node, ({ kv }) => kv.txn(txn(readRevision)));
        await lab.until('answers', () => compact.state !== 'pending' && reading.state !== 'pending');
        if (reading.state === 'failed') refused++;
        await lab.untilSame();
        for (let i = 0; i < 3; i++) revision = await lab.put(leader, 'k', `${node.name}${i}`);
      }
      await lab.untilSame();
      assert.ok(refused > 0, 'some came too late');
    }));

  const leased = async (lab: Lab): Promise<{ lease: number; old: typeof lab.leader }> => {
    const lease = 77;
    await lab.request(lab.leader, { type: 'grant', lease, ttlSeconds: 2 });
    await lab.put(lab.leader, 'k', 'v', lease);
    await lab.untilSame();
    return { lease, old: lab.leader };
  };

  /** Others lead meanwhile, and renew the lease there. */
  const renewElsewhere = async (
    lab: Lab,
    lease: number,
    old: typeof lab.leader,
    ms: number,
  ): Promise<void> => {
    const isOther = (node: typeof old): boolean =>
      node !== old && node.running?.member.leadership.isLeader === true;
    await lab.until('another leader', () => lab.nodes.some(isOther));
    const leader = must(lab.nodes.find(isOther));
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      await lab.request(leader, { type: 'keep-alive', lease });
      await lab.pass(500);
    }
  };

  // The old leader's revocations reached the new one, which took them from any member.
  test('etcd 15247, 12528: a deposed leader that was stopped does not revoke what the new one has renewed', () =>
    Lab.run(async (lab) => {
      const { lease, old } = await leased(lab);
      old.life.pausedUntilMs = lab.timeline.nowMs + 4000;
      await renewElsewhere(lab, lease, old, 4500);
      for (let i = 0; i < 4; i++) {
        await lab.request(must(lab.nodes.find((node) => node !== old)), { type: 'keep-alive', lease });
        await lab.pass(500);
      }
      await lab.untilSame();
      for (const node of lab.nodes) {
        const { found } = await lab.request(node, get('k'));
        assert.equal(found?.length, 1, `the key is still at ${node.name}`);
      }
    }));

  test('etcd 15247, 12528: nor does one whose disk was stuck for as long', () =>
    Lab.run(async (lab) => {
      const { lease, old } = await leased(lab);
      // A sync takes seconds: until it is done the member does nothing else.
      old.disk.mood.slowness = 9000;
      lab.beginPut(old, 'stuck', 'x');
      await lab.pass(10);
      old.disk.mood.slowness = 1;
      lab.isolate(old);
      await renewElsewhere(lab, lease, old, 500);
      // It may hear, and be heard, as soon as it is back.
      lab.heal();
      await renewElsewhere(lab, lease, old, 8000);
      await lab.untilSame();
      for (const node of lab.nodes) {
        const { found } = await lab.request(node, get('k'));
        assert.equal(found?.length, 1, `the key is still at ${node.name}`);
      }
    }));

  test('etcd 15247, 12528: what a leader could not bring through before it was deposed, it does not ask of the next', () =>
    Lab.run(async (lab) => {
      const { lease, old } = await leased(lab);
      // It is cut off as its revocation leaves it, and asks again as soon as it can.
      lab.onSent = (message) => {
        const isRevocation = message.type === 'append' && message.entries.length > 0;
        if (isRevocation && message.from === old.id) lab.isolate(old);
      };
      await renewElsewhere(lab, lease, old, 500);
      lab.onSent = () => undefined;
      lab.heal();
      await renewElsewhere(lab, lease, old, 3000);
      await lab.untilSame();
      for (const node of lab.nodes) {
        const { found } = await lab.request(node, get('k'));
        assert.equal(found?.length, 1, `the key is still at ${node.name}`);
      }
    }));
});
