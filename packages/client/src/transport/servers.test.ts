import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { Servers } from './servers.ts';

const why = new Error('reset');

test('many watches that break with one server are one failure, and end together', async () => {
  const clock = new FakeClock();
  const servers = new Servers(['a'], clock, seededRandom(1));
  const { server } = servers.pick();
  const since = server.lost.signal;
  for (let i = 0; i < 10; i++) servers.failed(server, why, since);
  assert.equal(since.aborted, true);
  assert.equal(server.failureCount, 1);
  assert.ok(servers.pick().waitMs <= 125);
  await clock.advance(125);
  assert.equal(servers.pick().waitMs, 0);
});

test('of several in back-off the one that is due first is next', () => {
  const servers = new Servers(['a', 'b'], new FakeClock(), seededRandom(1));
  for (let i = 0; i < 3; i++) {
    const { server } = servers.pick();
    if (server.url === 'a') servers.failed(server, why, server.lost.signal);
  }
  const { server: b } = servers.pick();
  assert.equal(b.url, 'b');
  servers.failed(b, why, b.lost.signal);
  servers.failed(b, why, b.lost.signal);
  assert.equal(servers.pick().server.url, 'a');
  assert.ok(servers.pick().waitMs > 0);
});
