import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { realClock } from '@kubelab/component-base';
import { bytesOf } from '@kubelab/rpc/etcd';
import { BcryptPasswords } from './passwords.ts';

const passwords = new BcryptPasswords({ clock: realClock, cost: 4 });
after(() => passwords.stop());

describe('passwords', () => {
  test('are known by their hash, which is another one each time and costs what was asked', async () => {
    const [one, two] = await Promise.all([passwords.hash('secret'), passwords.hash('secret')]);
    assert.notEqual(one, two);
    assert.match(one, /^\$2[aby]\$04\$/);
    assert.equal(await passwords.matches('secret', bytesOf(one)), true);
    assert.equal(await passwords.matches('Secret', bytesOf(one)), false);
  });

  test("are known by a hash of another's making, of either kind", async () => {
    const hash = '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe';
    assert.equal(await passwords.matches('a', bytesOf(hash)), true);
    assert.equal(await passwords.matches('a', bytesOf(hash.replace('2a', '2b'))), true);
    assert.equal(await passwords.matches('b', bytesOf(hash)), false);
  });

  test('do not match where there is no hash, or none of bcrypt', async () => {
    assert.equal(await passwords.matches('', new Uint8Array()), false);
    assert.equal(await passwords.matches('x', bytesOf('x')), false);
  });

  test('are refused where bcrypt would overlook their end, in the words of etcd', async () => {
    await passwords.hash('x'.repeat(72));
    await assert.rejects(passwords.hash('x'.repeat(73)), {
      message: 'bcrypt: password length exceeds 72 bytes',
    });
    await assert.rejects(passwords.hash('ü'.repeat(37)), { message: /exceeds 72/ });
  });

  test('are hashed beside the event loop', async () => {
    const costly = new BcryptPasswords({ clock: realClock, cost: 11 });
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns += 1;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await costly.hash('secret');
    isDone = true;
    costly.stop();
    assert.ok(turns > 100, `${turns} turns`);
  });

  test('too many at once are refused', async () => {
    const busy = new BcryptPasswords({ clock: realClock, cost: 4 });
    const asked = await Promise.allSettled(Array.from({ length: 300 }, () => busy.hash('x')));
    const refused = asked.filter((each) => each.status === 'rejected');
    assert.equal(refused.length, 300 - 256);
    assert.match(String(refused[0]?.reason), /too many requests/);
    busy.stop();
  });

  test('under way when it is stopped, are refused', async () => {
    const ending = new BcryptPasswords({ clock: realClock, cost: 12 });
    const hashing = assert.rejects(ending.hash('x'), { message: 'etcdserver: server stopped' });
    ending.stop();
    await hashing;
  });
});
