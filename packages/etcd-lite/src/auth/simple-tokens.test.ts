import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { SimpleTokens } from './simple-tokens.ts';

const TTL_MS = 300_000;

function setUp(): { clock: FakeClock; tokens: SimpleTokens; owner: (token: string) => Promise<unknown> } {
  const clock = new FakeClock();
  const tokens = new SimpleTokens({ clock, random: seededRandom(1), ttlMs: TTL_MS });
  return { clock, tokens, owner: async (token) => (await tokens.identify(token, 9))?.username };
}

describe('simple tokens', () => {
  test('start with 16 letters, other ones each time, and name the entry that gave them', () => {
    const { tokens } = setUp();
    const prefixes = Array.from({ length: 100 }, () => tokens.newPrefix());
    assert.equal(new Set(prefixes).size, 100);
    for (const prefix of prefixes) assert.match(prefix, /^[a-zA-Z]{16}$/);
    assert.equal(tokens.entryOf(`${prefixes[0]}.77`), 77);
    for (const text of ['', 'abc', 'abc.', 'abc.x', 'a.b.7', '.7', 'abc.-7', `abc.${'9'.repeat(30)}`])
      assert.equal(tokens.entryOf(text), undefined, text);
  });

  test('AUTH-4 belong to one user, under the auth revision of the time they are shown', async () => {
    const { tokens } = setUp();
    tokens.assigned('abc.1', 'u');
    assert.deepEqual(await tokens.identify('abc.1', 7), { username: 'u', authRevision: 7 });
    assert.equal(await tokens.identify('abc.2', 7), undefined);
    assert.throws(() => tokens.assigned('abc.1', 'v'), /AUTH-4/);
  });

  test('AUTH-4 run out when they are not used, and each use gives them their whole time again', async () => {
    const { clock, tokens, owner } = setUp();
    tokens.assigned('used.1', 'u');
    tokens.assigned('idle.2', 'u');
    await clock.advance(TTL_MS - 1);
    assert.equal(await owner('used.1'), 'u');
    await clock.advance(1);
    assert.deepEqual([await owner('used.1'), await owner('idle.2')], ['u', undefined]);
    await clock.advance(TTL_MS);
    assert.equal(await owner('used.1'), undefined);
  });

  test('AUTH-4 of a user who is gone or has another password are worth nothing', async () => {
    const { tokens, owner } = setUp();
    tokens.assigned('a.1', 'u');
    tokens.assigned('b.2', 'u');
    tokens.assigned('c.3', 'v');
    tokens.forgetUser('u');
    assert.deepEqual(
      [await owner('a.1'), await owner('b.2'), await owner('c.3')],
      [undefined, undefined, 'v'],
    );
    tokens.forgetAll();
    assert.equal(await owner('c.3'), undefined);
  });
});
