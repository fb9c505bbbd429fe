import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { realClock, seededRandom } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { bytesOf, textOf } from '@kubelab/rpc/etcd';
import { authOptions } from '../auth/index.ts';
import { BEYOND_ALL_KEYS } from '../core/keys.ts';
import { loneMember } from '../testing/lone-member.ts';
import { MemoryDisk } from '../testing/memory-disk.ts';
import { parseCluster } from './cluster.ts';
import { foundingOf } from './founding.ts';
import type { Member, MemberOptions } from './member.ts';

function start(disk: MemoryDisk, options: Partial<MemberOptions> = {}): Promise<Member> {
  return loneMember({ disk, snapshotCount: 50, ...options });
}

const put = (member: Member, key: string): Promise<unknown> =>
  member.propose({ put: { key: bytesOf(key), value: bytesOf('v') } });
const keys = (member: Member): string[] =>
  member.machine.store.range({ start: '', end: BEYOND_ALL_KEYS }, 0).kvs.map(({ key }) => textOf(key));

describe('a member alone', () => {
  test('SM-4 takes writes, and after a crash at any time has all that it acknowledged, each once', async () => {
    let disk = new MemoryDisk();
    const acknowledged: string[] = [];
    for (let life = 0; life < 5; life++) {
      const member = await start(disk);
      await member.linearize();
      assert.equal(member.machine.store.revision, 1 + acknowledged.length);
      assert.deepEqual(new Set(keys(member)), new Set(acknowledged), `life ${life}`);
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          await put(member, `k${life}-${i}`);
          acknowledged.push(`k${life}-${i}`);
        }),
      );
      // The crash: what is on the disk now is all that the next life finds.
      const left = disk.clone();
      await member.stop();
      disk = left;
    }
  });

  test('WAL-1 a failed sync ends it, and what was not durable was not acknowledged', async () => {
    const disk = new MemoryDisk();
    let ended = '';
    const member = await start(disk, { fatal: (msg) => (ended = msg) });
    await put(member, 'a');
    disk.syncError = new Error('EIO');
    const refused = assert.rejects(put(member, 'b'), { details: 'etcdserver: server stopped' });
    await eventually('the end', () => ended !== '');
    await member.stop();
    await refused;
    assert.deepEqual(keys(member), ['a']);
  });

  test('CONF-5 CONF-8 it keeps the id, the pledge and the life that it began with, whatever the flags say later', async () => {
    const disk = new MemoryDisk();
    const two = parseCluster(['one=http://127.0.0.1:1', 'two=http://127.0.0.1:9'], 'one', 't');
    const founding = { ...foundingOf(two), raftId: two.self.raftId, term: 7, vote: 'x' };
    const first = await start(disk, { admit: () => Promise.resolve(founding) });
    const { life } = first.cluster.lives.own === '' ? { life: 'none' } : { life: first.cluster.lives.own };
    assert.deepEqual([first.raft.status().term, first.raft.status().vote], [7, 'x']);
    await first.stop();
    const again = await start(disk, { admit: () => assert.fail('there are data') });
    assert.deepEqual([again.raft.status().term, again.raft.status().vote], [7, 'x']);
    assert.equal(again.cluster.lives.own, life);
    assert.equal(again.membership.members.all().length, 2);
    await again.stop();
  });

  test('AUTH-4 a token that has run out is not good again after a restart', async () => {
    const disk = new MemoryDisk();
    const auth = authOptions({ clock: realClock, random: seededRandom(2), ttlMs: 300_000, bcryptCost: 4 });
    const before = await start(disk, { auth });
    const hashedPassword = Buffer.from(await auth.passwords.hash('secret')).toString('base64');
    await before.propose({ auth: { userAdd: { name: 'root', hashedPassword } } });
    await before.propose({ auth: { userGrantRole: { user: 'root', role: 'root' } } });
    await before.propose({ auth: { enable: {} } });
    const { token = '' } = await before.auth.authenticate({ name: 'root', password: 'secret' });
    const call = { header: (name: string) => (name === 'token' ? token : undefined) };
    assert.equal((await before.auth.requireUser(call)).username, 'root');
    await before.stop();
    const after = await start(disk);
    await after.linearize();
    await assert.rejects(after.auth.requireUser(call), { reason: 'invalidAuthToken' });
    await after.stop();
  });

  test('WAL-3 data without the log that was begun with them are not started from', async () => {
    const disk = new MemoryDisk();
    const member = await start(disk);
    await put(member, 'a');
    await member.checkpoint();
    await put(member, 'b');
    await member.stop();
    for (const path of [...disk.files.keys()]) if (path.includes('/wal/')) disk.files.delete(path);
    await assert.rejects(start(disk), { name: 'LogMissingError', message: /--wal-dir/ });
    await assert.rejects(start(disk), { name: 'LogMissingError' });
  });

  test('the data of another member is not touched', async () => {
    const disk = new MemoryDisk();
    await (await start(disk)).stop();
    await assert.rejects(start(disk, { cluster: parseCluster(['two=http://127.0.0.1:9'], 'two', 't') }), {
      name: 'ForeignDataError',
      message: /holds the data of/,
    });
  });
});
