import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, Lease } from '@kubelab/api';
import { rfc3339Micro, seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { FakeKubeClient } from '../testing/index.ts';
import { TransportError } from '../transport/transport.ts';
import type { KubeClient } from '../types.ts';
import { runLeaderElection } from './leader-election.ts';

const KEY = 'kube-system/kube-scheduler';

function setUp() {
  const clock = new FakeClock();
  const server = new FakeKubeClient({ clock });
  const story: string[] = [];
  const leaders = new Set<string>();
  const run = (identity: string, client: KubeClient = server) => {
    const stop = new AbortController();
    const ended = runLeaderElection(
      {
        client,
        namespace: 'kube-system',
        name: 'kube-scheduler',
        identity,
        leaseDurationMs: 4000,
        renewDeadlineMs: 3000,
        retryPeriodMs: 1000,
        clock,
        random: seededRandom(identity.length),
        log: silentLogger,
        onStartedLeading(signal) {
          story.push(`${identity} leads`);
          leaders.add(identity);
          signal.addEventListener('abort', () => leaders.delete(identity));
        },
        onStoppedLeading: () => story.push(`${identity} lost`),
      },
      stop.signal,
    );
    return { stop, ended };
  };
  const lease = () => server.find(Lease, KEY)?.spec;
  return { clock, server, story, leaders, run, lease };
}

/**
 * The same API behind a line that can be cut: requests are never answered, or only their answers are lost.
 */
function behindLine(server: FakeKubeClient, clock: FakeClock) {
  const line = { isCut: false, losesAnswers: false };
  const lost = () => new TransportError('x', 'timed out', { maybeSent: true, timedOut: true });
  const over = async <R>(timeoutMs: number | undefined, request: () => Promise<R>): Promise<R> => {
    const { isCut, losesAnswers } = line;
    const answer = isCut ? undefined : await request();
    if (answer !== undefined && !losesAnswers) return answer;
    await clock.sleep(timeoutMs ?? 10_000);
    throw lost();
  };
  const client: KubeClient = Object.create(server, {
    get: { value: (...a: Parameters<KubeClient['get']>) => over(a[2]?.timeoutMs, () => server.get(...a)) },
    update: {
      value: (...a: Parameters<KubeClient['update']>) => over(a[2]?.timeoutMs, () => server.update(...a)),
    },
    create: {
      value: (...a: Parameters<KubeClient['create']>) => over(a[2]?.timeoutMs, () => server.create(...a)),
    },
  }) as KubeClient;
  return { line, client };
}

test('the first takes the lease, the second waits; the record is as upstream writes it', async () => {
  const { clock, story, run, lease } = setUp();
  const a = run('a');
  await clock.advance(500);
  const b = run('b');
  await clock.advance(20_000);
  assert.deepEqual(story, ['a leads']);
  assert.equal(lease()?.holderIdentity, 'a');
  assert.equal(lease()?.leaseDurationSeconds, 4);
  assert.equal(lease()?.leaseTransitions, 0);
  assert.equal(lease()?.acquireTime, rfc3339Micro(Date.UTC(2026, 0, 1)));
  a.stop.abort();
  b.stop.abort();
  await Promise.all([a.ended, b.ended]);
});

test('a leader asked to end gives the lease back; the other leads within a retry period', async () => {
  const { clock, story, leaders, run, lease } = setUp();
  const a = run('a');
  await clock.advance(500);
  const b = run('b');
  await clock.advance(2000);
  a.stop.abort();
  await a.ended;
  await clock.advance(1200);
  assert.deepEqual(story, ['a leads', 'b leads']);
  assert.deepEqual([...leaders], ['b']);
  assert.equal(lease()?.leaseTransitions, 1);
  b.stop.abort();
  await b.ended;
});

test('LE-3 a leader cut off gives up before the other takes over, and the other takes over within 4 s + one period', async () => {
  const { clock, server, story, leaders, run } = setUp();
  const { line, client } = behindLine(server, clock);
  const a = run('a', client);
  await clock.advance(500);
  const b = run('b');
  await clock.advance(5000);
  line.isCut = true;
  const cutMs = clock.monotonic();
  while (story.length < 3 && clock.monotonic() < cutMs + 10_000) {
    await clock.advance(50);
    assert.ok(leaders.size <= 1, 'two leaders at once');
  }
  assert.deepEqual(story, ['a leads', 'a lost', 'b leads']);
  assert.ok(clock.monotonic() - cutMs <= 4000 + 1200 + 50, `took ${clock.monotonic() - cutMs} ms`);
  await a.ended;
  b.stop.abort();
  await b.ended;
});

test('LE-1 a lease is judged by when it was seen to change, whatever the clocks of others say', async () => {
  const { clock, server, story, run } = setUp();
  const old = rfc3339Micro(0);
  const spec = {
    holderIdentity: 'z',
    leaseDurationSeconds: 4,
    acquireTime: old,
    renewTime: old,
    leaseTransitions: 3,
  };
  server.seed(Lease, { metadata: { name: 'kube-scheduler', namespace: 'kube-system' }, spec });
  const a = run('a');
  await clock.advance(3900);
  assert.deepEqual(story, [], 'its time is ancient, but we only just saw it');
  server.mutate(Lease, KEY, (lease) => (lease.spec.renewTime = rfc3339Micro(1000)));
  await clock.advance(3000);
  assert.deepEqual(story, [], 'it changed meanwhile');
  await clock.advance(3500);
  assert.deepEqual(story, ['a leads']);
  assert.equal(server.find(Lease, KEY)?.spec.leaseTransitions, 4);
  a.stop.abort();
  await a.ended;
});

test('LE-2 of two who take a free lease at the same time one leads', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { clock, leaders, run, server } = setUp();
    const spec = { holderIdentity: '', leaseDurationSeconds: 1 };
    if (seed % 2 === 0)
      server.seed(Lease, { metadata: { name: 'kube-scheduler', namespace: 'kube-system' }, spec });
    const electors = [run('a'), run('b'), run('c')];
    await clock.advance(5000);
    assert.equal(leaders.size, 1);
    for (const { stop } of electors) stop.abort();
    await Promise.all(electors.map(({ ended }) => ended));
  }
});

test('LE-3 a renewal whose answer is lost is looked up, not taken for a loss', async () => {
  const { clock, server, story, run } = setUp();
  const { line, client } = behindLine(server, clock);
  const a = run('a', client);
  await clock.advance(1500);
  line.losesAnswers = true;
  await clock.advance(1000);
  line.losesAnswers = false;
  await clock.advance(10_000);
  assert.deepEqual(story, ['a leads']);
  a.stop.abort();
  await a.ended;
});

test('K4 a leader that was stopped past its lease steps down as soon as it wakes', async () => {
  const { clock, server, story, leaders, run } = setUp();
  const { line, client } = behindLine(server, clock);
  const a = run('a', client);
  await clock.advance(1000);
  // Another took over while this process did not run at all.
  server.mutate(Lease, KEY, (lease) =>
    Object.assign(lease.spec, { holderIdentity: 'b', leaseTransitions: 1 }),
  );
  line.isCut = false;
  await clock.advance(1000);
  assert.deepEqual(story, ['a leads', 'a lost']);
  assert.equal(leaders.size, 0);
  await a.ended;
});

test('a leader costs one small call a period', async () => {
  const { clock, server, run } = setUp();
  const a = run('a');
  await clock.advance(1000);
  server.clearActions();
  await clock.advance(10_000);
  assert.equal(server.actions.length, 10);
  assert.ok(server.actions.every(({ verb }) => verb === 'update'));
  a.stop.abort();
  await a.ended;
});

test('a server that refuses for a while is asked again', async () => {
  const { clock, server, story, run } = setUp();
  let isDown = true;
  server.intercept(() => (isDown ? errors.serviceUnavailable('starting') : undefined));
  const a = run('a');
  await clock.advance(5000);
  assert.deepEqual(story, []);
  isDown = false;
  await clock.advance(1200);
  assert.deepEqual(story, ['a leads']);
  a.stop.abort();
  await a.ended;
});
