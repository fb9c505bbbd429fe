import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { realClock, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import type { ContainerSpec, PodObject } from '../core/types.ts';
import { HollowRuntime } from '../runtime/hollow/hollow-runtime.ts';
import type { ContainerRecord, ExecResult } from '../runtime/types.ts';
import { portNumber, runHandler } from './handlers.ts';
import { Prober } from './prober.ts';

/** Answers each probe command by its name. */
class ProbedRuntime extends HollowRuntime {
  override readonly isHollow = false as never; // as far as probes go it has processes
  readonly answers: Record<string, boolean> = {};
  readonly asked: string[] = [];
  override async execSync(...args: unknown[]): Promise<never> {
    const [name = ''] = args[1] as string[];
    this.asked.push(name);
    const ok = this.answers[name] ?? false;
    const result: ExecResult = { exitCode: ok ? 0 : 1, output: 'no', timedOut: false };
    return result as never; // the hollow one never answers
  }
}

const record: ContainerRecord = {
  id: 'c1',
  pod: { name: 'p', namespace: 'default', uid: 'u' },
  name: 'web',
  attempt: 0,
  sandboxId: 's',
  hash: '',
  state: 'running',
  image: '',
  imageId: '',
  tty: false,
  createdAtMs: Date.UTC(2026, 0, 1),
};

function setUp(container: Omit<ContainerSpec, 'name'>, wasReady = false) {
  const clock = new FakeClock();
  const runtime = new ProbedRuntime({ clock, podCidr: () => undefined });
  const events: string[] = [];
  let changes = 0;
  const prober = new Prober({
    runtime,
    clock,
    log: silentLogger,
    hostIp: '192.0.2.1',
    onChange: () => void changes++,
    event: (_pod, reason, message) => void events.push(`${reason}: ${message}`),
  });
  const pod: PodObject = {
    metadata: { name: 'p', namespace: 'default', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec: { containers: [{ name: 'web', ...container }] },
  };
  prober.sync(pod, { sandboxes: [], containers: [record] }, () => wasReady);
  return { clock, runtime, prober, events, changeCount: () => changes };
}

const command = (name: string, more: object = {}) => ({
  exec: { command: [name] },
  periodSeconds: 1,
  ...more,
});

test('without probes a running container has started and is ready', () => {
  const { prober } = setUp({});
  assert.deepEqual(
    [prober.startup('c1'), prober.liveness('c1'), prober.isReady('c1')],
    ['passed', 'passed', true],
  );
});

test('PROBE-1 liveness and readiness wait for startup', async () => {
  const { clock, runtime, prober } = setUp({
    startupProbe: command('startup'),
    livenessProbe: command('live'),
    readinessProbe: command('ready'),
  });
  Object.assign(runtime.answers, { ready: true });
  await clock.advance(2_500);
  assert.deepEqual([...new Set(runtime.asked)], ['startup']);
  assert.equal(prober.startup('c1'), 'failed'); // three in a row
  runtime.answers['startup'] = true;
  assert.equal(prober.isReady('c1'), false);
});

test('after startup readiness is asked at once', async () => {
  const { clock, runtime, prober, changeCount } = setUp({
    startupProbe: command('startup'),
    readinessProbe: command('ready', { periodSeconds: 60 }),
  });
  Object.assign(runtime.answers, { startup: true, ready: true });
  await clock.advance(10);
  assert.equal(prober.isReady('c1'), true);
  assert.equal(changeCount(), 2);
});

test('thresholds: so many in a row before a verdict changes', async () => {
  const { clock, runtime, prober, events } = setUp({
    livenessProbe: command('live', { failureThreshold: 3 }),
    readinessProbe: command('ready', { failureThreshold: 1, successThreshold: 2 }),
  });
  Object.assign(runtime.answers, { live: true, ready: true });
  await clock.advance(500);
  assert.equal(prober.isReady('c1'), false); // one success
  await clock.advance(1_000);
  assert.equal(prober.isReady('c1'), true); // the second
  Object.assign(runtime.answers, { live: false, ready: false });
  await clock.advance(1_000);
  assert.deepEqual([prober.isReady('c1'), prober.liveness('c1')], [false, 'passed']);
  await clock.advance(2_000);
  assert.equal(prober.liveness('c1'), 'failed');
  assert.ok(events.includes('Unhealthy: Liveness probe failed: no'));
});

test('a kubelet that starts again believes what an earlier one had found', async () => {
  const { clock, runtime, prober } = setUp(
    { startupProbe: command('startup'), readinessProbe: command('ready', { initialDelaySeconds: 30 }) },
    true,
  );
  assert.deepEqual([prober.startup('c1'), prober.isReady('c1')], ['passed', true]);
  await clock.advance(29_000);
  assert.deepEqual(runtime.asked, []);
});

test('a stopped pod is asked nothing any more', async () => {
  const { clock, runtime, prober } = setUp({ livenessProbe: command('live') });
  prober.stopPod('u');
  await clock.advance(5_000);
  assert.deepEqual(runtime.asked, []);
  assert.equal(clock.pendingTimers, 0);
});

test('HTTP and TCP handlers: status codes, refused connections, timeouts', async (context) => {
  const server = createServer((request, response) => {
    if (request.url === '/slow') return;
    response.writeHead(request.url === '/bad' ? 500 : 200).end(request.headers['x-name'] ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const clock = realClock;
  const runtime = new ProbedRuntime({ clock, podCidr: () => undefined });
  const container = { name: 'web', ports: [{ name: 'http', containerPort: port }] };
  const target = { runtime, clock, containerId: 'c1', container, podIp: '127.0.0.1' };
  const http = (path: string) =>
    runHandler(
      { httpGet: { path, port: 'http', httpHeaders: [{ name: 'X-Name', value: 'me' }] } },
      target,
      300,
    );
  assert.deepEqual(await http('/'), { ok: true, output: 'me' });
  assert.deepEqual(await http('/bad'), { ok: false, output: 'HTTP probe failed with statuscode: 500' });
  assert.match((await http('/slow')).output, /context deadline exceeded/);
  assert.equal((await runHandler({ tcpSocket: { port } }, target, 300)).ok, true);
  assert.match(
    (await runHandler({ tcpSocket: { port: 1 } }, target, 300)).output,
    /^dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
  );
  assert.equal(
    (await runHandler({ httpGet: { path: '/x', port: 1 } }, target, 300)).output,
    'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
  );
  assert.throws(() => portNumber('none', container), /couldn't find port: "none"/);
});
