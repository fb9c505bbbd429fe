import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { HollowRuntime } from '../runtime/hollow/hollow-runtime.ts';
import { runPleg } from './pleg.ts';

/** A runtime that can be switched off, and one that can fall silent. */
class FlakyRuntime extends HollowRuntime {
  state: 'up' | 'down' | 'silent' = 'down';
  endStream: () => void = () => undefined;
  override async version() {
    if (this.state === 'down') throw new Error('no socket');
    if (this.state === 'silent') await new Promise(() => undefined);
    return super.version();
  }
  override async listStates() {
    if (this.state === 'silent') await new Promise(() => undefined);
    return super.listStates();
  }
  override subscribe(): Promise<void> {
    return new Promise((resolve) => {
      this.endStream = resolve;
    });
  }
}

test('the runtime’s coming and going is told once each; silence counts as going', async () => {
  const clock = new FakeClock();
  const runtime = new FlakyRuntime({ clock, podCidr: () => undefined });
  const told: string[] = [];
  const stop = new AbortController();
  const running = runPleg(
    {
      runtime,
      clock,
      log: silentLogger,
      relistMs: 10_000,
      onUp: () => told.push('up'),
      onDown: () => told.push('down'),
      onEvent: () => undefined,
      onStates: () => told.push('states'),
    },
    stop.signal,
  );
  const after = async (ms: number) => {
    await clock.advance(ms);
    return told.splice(0);
  };
  assert.deepEqual(await after(5_000), ['down']);
  runtime.state = 'up';
  assert.deepEqual(await after(1_500), ['up']);
  assert.deepEqual(await after(20_000), ['states', 'states']);
  runtime.state = 'down';
  runtime.endStream();
  assert.deepEqual(await after(5_000), ['down']);
  runtime.state = 'up';
  assert.deepEqual(await after(1_500), ['up']);
  runtime.state = 'silent';
  assert.deepEqual(await after(38_000), []);
  assert.deepEqual(await after(3_000), ['down']);
  stop.abort(new Error('over'));
  await clock.advance(60_000);
  await running;
});
