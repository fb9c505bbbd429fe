import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { assert as invariant, AssertionError, must } from './assert.ts';
import { rfc3339, rfc3339Micro } from './clock.ts';
import { Secret } from './log.ts';
import { randomSuffix, seededRandom } from './random.ts';
import { realDisk } from './real-disk.ts';
import { FakeClock } from './testing/fake-clock.ts';

suite('fake clock', () => {
  test('timers run in the order they fall due, and time stands still between', async () => {
    const clock = new FakeClock(0);
    const ran: string[] = [];
    clock.setTimer(20, () => ran.push(`b${clock.monotonic()}`));
    clock.setTimer(10, () => ran.push(`a${clock.monotonic()}`));
    clock.setTimer(15, () => ran.push('cancelled')).cancel();
    await clock.advance(15);
    assert.deepEqual(ran, ['a10']);
    await clock.advance(5);
    assert.deepEqual(ran, ['a10', 'b20']);
    assert.equal(clock.pendingTimers, 0);
  });

  test('sleep ends with its time, or with the signal', async () => {
    const clock = new FakeClock(0);
    let woke = false;
    void clock.sleep(10).then(() => (woke = true));
    await clock.advance(9);
    assert.equal(woke, false);
    await clock.advance(1);
    assert.equal(woke, true);
    const stop = new AbortController();
    const sleep = clock.sleep(10, stop.signal);
    stop.abort(new Error('enough'));
    await assert.rejects(sleep, /enough/);
    assert.equal(clock.pendingTimers, 0);
  });
});

suite('chance', () => {
  test('the same seed gives the same sequence, uuids included', () => {
    const [a, b] = [seededRandom(7), seededRandom(7)];
    assert.deepEqual([a.float(), a.int(100), a.uuid()], [b.float(), b.int(100), b.uuid()]);
    assert.match(
      seededRandom(1).uuid(),
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.match(randomSuffix(seededRandom(1)), /^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });
});

suite('the rest of the base', () => {
  test('a broken invariant names itself', () => {
    assert.throws(() => invariant(false, 'X-1', 'why'), new AssertionError('X-1', 'why'));
    assert.throws(() => must(undefined, 'the thing'), /the thing is missing/);
    assert.equal(must(0), 0);
  });

  test('times are written as the API writes them', () => {
    assert.equal(rfc3339(1_700_000_000_123), '2023-11-14T22:13:20Z');
    assert.equal(rfc3339Micro(1_700_000_000_123), '2023-11-14T22:13:20.123000Z');
  });

  test('a secret does not print', () => {
    const secret = new Secret('token');
    assert.equal(JSON.stringify({ secret }), '{"secret":"***"}');
    assert.equal(`${secret.toString()} ${secret.reveal()}`, '*** token');
  });

  test('files are written, read back, cut and listed; what is missing is undefined, not an error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kubelab-disk-'));
    const path = join(folder, 'a');
    const file = await realDisk.open(path, { create: true });
    await file.write(0, Buffer.from('hello'));
    await file.sync();
    assert.equal(Buffer.from(await file.read(1, 100)).toString(), 'ello');
    await file.preallocate(4096);
    assert.equal(await file.size(), 4096);
    await file.truncate(5);
    await file.close();
    await realDisk.rename(path, join(folder, 'b'));
    await realDisk.syncFolder(folder);
    assert.deepEqual(await realDisk.list(folder), ['b']);
    assert.equal(Buffer.from((await realDisk.readFile(join(folder, 'b'))) ?? []).toString(), 'hello');
    assert.equal(await realDisk.readFile(path), undefined);
    assert.deepEqual(await realDisk.list(join(folder, 'none')), []);
    await rm(folder, { recursive: true });
  });
});
