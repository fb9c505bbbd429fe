import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock, settle } from '@kubelab/component-base/testing';
import { Keeper, type RunningProcess } from './keeper.ts';

/** Processes that end when told to. */
function fakeSpawner() {
  const live: (RunningProcess & {
    end(how: string): void;
    readonly signals: string[];
    readonly name: string;
  })[] = [];
  let pid = 100;
  const spawn = (name: string): RunningProcess => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const signals: string[] = [];
    const end = (how: string) => {
      live.splice(live.indexOf(process), 1);
      resolve(how);
    };
    const process = {
      name,
      pid: pid++,
      ended: promise,
      signals,
      end,
      signal: (signal: 'SIGTERM' | 'SIGKILL') => {
        signals.push(signal);
        if (signal === 'SIGKILL') end(signal);
      },
      pause: () => void signals.push('pause'),
      resume: () => void signals.push('resume'),
    };
    live.push(process);
    return process;
  };
  return { live, spawn };
}

const spec = { command: 'x', args: [] };

function setUp() {
  const clock = new FakeClock();
  const { live, spawn } = fakeSpawner();
  return { clock, live, keeper: new Keeper(spawn, clock, silentLogger) };
}

suite('keeper', () => {
  test('KEEP-1 what ends by itself comes back after 1, 2, 4 … at most 30 seconds', async () => {
    const { clock, live, keeper } = setUp();
    keeper.start('a', spec);
    const delays = [];
    for (let i = 0; i < 7; i++) {
      live[0]?.end('exit 1');
      await settle();
      const endedMs = clock.monotonic();
      while (live.length === 0) await clock.advance(500);
      delays.push((clock.monotonic() - endedMs) / 1000);
    }
    assert.deepEqual(delays, [1, 2, 4, 8, 16, 30, 30]);
    assert.equal(keeper.list()[0]?.restarts, 7);
  });

  test('KEEP-1 having run for long, the back-off starts short again', async () => {
    const { clock, live, keeper } = setUp();
    keeper.start('a', spec);
    for (let i = 0; i < 3; i++) {
      live[0]?.end('exit 1');
      await clock.advance(5000);
    }
    await clock.advance(40_000);
    live[0]?.end('exit 1');
    await clock.advance(1000);
    assert.equal(live.length, 1);
  });

  test('KEEP-2 a killed one stays down until it is started', async () => {
    const { clock, live, keeper } = setUp();
    keeper.start('a', spec);
    await keeper.kill('a');
    await clock.advance(60_000);
    assert.deepEqual([live.length, keeper.list()[0]?.state], [0, 'down']);
    keeper.start('a', spec);
    assert.equal(live.length, 1);
  });

  test('stop asks first and kills after the time allowed', async () => {
    const { clock, live, keeper } = setUp();
    keeper.start('a', { ...spec, stopTimeoutMs: 3000 });
    const process = live[0];
    const stopped = keeper.stop('a');
    await clock.advance(2999);
    assert.deepEqual(process?.signals, ['SIGTERM']);
    await clock.advance(1);
    await stopped;
    assert.deepEqual(process?.signals, ['SIGTERM', 'SIGKILL']);
  });

  test('KEEP-3 a start while the old one is still ending waits for its end', async () => {
    const { live, keeper } = setUp();
    keeper.start('a', spec);
    const stopped = keeper.stop('a');
    keeper.start('a', spec);
    assert.equal(live.length, 1);
    live[0]?.end('exit 0');
    await stopped;
    await settle();
    assert.deepEqual([live.length, keeper.list()[0]?.state], [1, 'running']);
  });

  test('a paused one is resumed by start, and before it is asked to stop', async () => {
    const { live, keeper } = setUp();
    keeper.start('a', spec);
    const process = live[0];
    keeper.pause('a');
    keeper.start('a', spec);
    keeper.pause('a');
    const stopped = keeper.stop('a');
    process?.end('exit 0');
    await stopped;
    assert.deepEqual(process?.signals, ['pause', 'resume', 'pause', 'resume', 'SIGTERM']);
  });

  test('stopAll ends the last started first, and groups together', async () => {
    const { live, keeper } = setUp();
    for (const name of ['etcd-1', 'etcd-2', 'node-1', 'node-2']) keeper.start(name, spec);
    const asked = () => live.filter(({ signals }) => signals.length > 0).map(({ name }) => name);
    const stopped = keeper.stopAll((name) => name.split('-')[0] ?? '');
    await settle();
    assert.deepEqual(asked(), ['node-1', 'node-2']);
    for (const process of live.filter(({ name }) => name.startsWith('node'))) process.end('exit 0');
    await settle();
    assert.deepEqual(asked(), ['etcd-1', 'etcd-2']);
    for (const process of [...live]) process.end('exit 0');
    await stopped;
  });
});
