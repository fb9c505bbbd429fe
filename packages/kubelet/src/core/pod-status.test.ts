import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerRecord } from '../runtime/types.ts';
import { podStatus, type PodStatusInput } from './pod-status.ts';
import type { PodObject, PodRuntime, PodStatus } from './types.ts';

const identity = { name: 'p', namespace: 'default', uid: 'u' };
const NOW = Date.UTC(2026, 0, 1);

function pod(spec: Partial<PodObject['spec']> = {}): PodObject {
  return {
    metadata: { ...identity, resourceVersion: '1', creationTimestamp: '', generation: 1 },
    spec: { restartPolicy: 'Always', containers: [{ name: 'a', image: 'i' }], ...spec },
  };
}

function run(
  name: string,
  state: ContainerRecord['state'],
  more: Partial<ContainerRecord> = {},
): ContainerRecord {
  return {
    id: `${name}${more.attempt ?? 0}`,
    pod: identity,
    name,
    attempt: 0,
    sandboxId: 's0',
    hash: '',
    state,
    image: 'i',
    imageId: 'docker://sha256:1',
    tty: false,
    createdAtMs: NOW,
    startedAtMs: NOW,
    ...(state === 'exited' ? { exitCode: 0, finishedAtMs: NOW } : {}),
    ...more,
  };
}

const sandbox = { id: 's0', pod: identity, attempt: 0, isReady: true, createdAtMs: 0, ip: '10.0.0.2' };
const withRuns = (...containers: ContainerRecord[]): PodRuntime => ({ sandboxes: [sandbox], containers });

function status(input: Partial<PodStatusInput> = {}): PodStatus {
  return podStatus({
    pod: pod(),
    runtime: { sandboxes: [], containers: [] },
    probes: { startup: () => 'passed', liveness: () => 'passed', isReady: () => true },
    previous: undefined,
    waiting: new Map(),
    terminationMessages: new Map(),
    nowMs: NOW,
    hostIp: '192.0.2.1',
    qosClass: 'BestEffort',
    scheme: 'docker',
    isFinished: false,
    failure: undefined,
    ...input,
  });
}

const two = {
  containers: [
    { name: 'a', image: 'i' },
    { name: 'b', image: 'i' },
  ],
};
const crash = { exitCode: 1 };

const phases: [string, Partial<PodStatusInput>, string][] = [
  ['nothing runs yet', {}, 'Pending'],
  ['all run', { runtime: withRuns(run('a', 'running')) }, 'Running'],
  ['one of two was never started', { pod: pod(two), runtime: withRuns(run('a', 'running')) }, 'Pending'],
  [
    'a crash loop counts as running',
    {
      runtime: withRuns(run('a', 'exited', crash)),
      waiting: new Map([['a', { reason: 'CrashLoopBackOff' }]]),
    },
    'Running',
  ],
  [
    'a crash that is repeated on failure',
    { pod: pod({ restartPolicy: 'OnFailure' }), runtime: withRuns(run('a', 'exited', crash)) },
    'Running',
  ],
  [
    'a success under OnFailure',
    { pod: pod({ restartPolicy: 'OnFailure' }), runtime: withRuns(run('a', 'exited')) },
    'Succeeded',
  ],
  [
    'a success under Never',
    { pod: pod({ restartPolicy: 'Never' }), runtime: withRuns(run('a', 'exited')) },
    'Succeeded',
  ],
  [
    'a failure under Never',
    { pod: pod({ restartPolicy: 'Never' }), runtime: withRuns(run('a', 'exited', crash)) },
    'Failed',
  ],
  [
    'an init container runs',
    { pod: pod({ initContainers: [{ name: 'i' }] }), runtime: withRuns(run('i', 'running')) },
    'Pending',
  ],
  [
    'an init container failed for good',
    {
      pod: pod({ restartPolicy: 'Never', initContainers: [{ name: 'i' }] }),
      runtime: withRuns(run('i', 'exited', crash)),
    },
    'Failed',
  ],
  [
    'a deleted pod whose container ended well',
    { runtime: withRuns(run('a', 'exited')), isFinished: true },
    'Succeeded',
  ],
  [
    'a deleted pod whose container was killed',
    { runtime: withRuns(run('a', 'exited', { exitCode: 137 })), isFinished: true },
    'Failed',
  ],
  ['refused by the node', { failure: { reason: 'OutOfcpu', message: 'm' } }, 'Failed'],
  [
    'STATUS-1 a terminal phase stays',
    { previous: { phase: 'Succeeded' }, runtime: withRuns(run('a', 'running')) },
    'Succeeded',
  ],
];

for (const [title, input, want] of phases) {
  test(`phase: ${title}: ${want}`, () => assert.equal(status(input).phase, want));
}

test('before anything ran: ContainerCreating, or PodInitializing behind init containers', () => {
  assert.deepEqual(status().containerStatuses?.[0]?.state, { waiting: { reason: 'ContainerCreating' } });
  const behind = status({ pod: pod({ initContainers: [{ name: 'i' }] }) });
  assert.deepEqual(behind.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  assert.deepEqual(
    behind.conditions?.find(({ type }) => type === 'Initialized'),
    {
      type: 'Initialized',
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [i]',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  );
});

test('a container that waits for its next try shows why, and how the last one ended', () => {
  const runtime = withRuns(run('a', 'exited', { attempt: 2, exitCode: 137, oomKilled: true }));
  const waiting = new Map([['a', { reason: 'CrashLoopBackOff', message: 'm' }]]);
  const container = status({ runtime, waiting }).containerStatuses?.[0];
  assert.deepEqual(container?.state, { waiting: { reason: 'CrashLoopBackOff', message: 'm' } });
  assert.equal(container?.lastState?.terminated?.reason, 'OOMKilled');
  assert.equal(container?.restartCount, 2);
  assert.equal(container?.ready, false);
});

test('the run before this one is the last state, and its message is told', () => {
  const runtime = withRuns(run('a', 'running', { attempt: 1 }), run('a', 'exited', crash));
  const container = status({ runtime, terminationMessages: new Map([['a0', 'bye']]) }).containerStatuses?.[0];
  assert.deepEqual(container?.lastState?.terminated, {
    exitCode: 1,
    reason: 'Error',
    message: 'bye',
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: '2026-01-01T00:00:00Z',
    containerID: 'docker://a0',
  });
  assert.ok(container?.state?.running !== undefined);
});

test('a run that only the last status remembers is still the last state', () => {
  const previous: PodStatus = status({ runtime: withRuns(run('a', 'exited', { exitCode: 255 })) });
  const container = status({ previous, runtime: withRuns(run('a', 'running', { attempt: 1 })) })
    .containerStatuses?.[0];
  assert.equal(container?.lastState?.terminated?.exitCode, 255);
});

test('a container of an ended pod that nobody saw end is ContainerStatusUnknown', () => {
  const previous: PodStatus = status({ runtime: withRuns(run('a', 'running')) });
  const container = status({ previous, isFinished: true }).containerStatuses?.[0];
  assert.deepEqual(
    [container?.state?.terminated?.reason, container?.state?.terminated?.exitCode],
    ['ContainerStatusUnknown', 137],
  );
});

test('STATUS-2 a condition keeps its transition time until its status changes', () => {
  const first = status({ runtime: withRuns(run('a', 'running')) });
  const laterMs = NOW + 60_000;
  const same = status({ runtime: withRuns(run('a', 'running')), previous: first, nowMs: laterMs });
  const ready = (from: PodStatus) => from.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready(same)?.lastTransitionTime, '2026-01-01T00:00:00Z');
  const changed = status({
    runtime: withRuns(run('a', 'running')),
    previous: same,
    nowMs: laterMs,
    probes: { startup: () => 'passed', liveness: () => 'passed', isReady: () => false },
  });
  assert.equal(ready(changed)?.lastTransitionTime, '2026-01-01T00:01:00Z');
  assert.equal(ready(changed)?.message, 'containers with unready status: [a]');
});

test('readiness gates hold Ready back, and conditions of others are kept', () => {
  const gated = pod({ readinessGates: [{ conditionType: 'example.com/lb' }] });
  const runtime = withRuns(run('a', 'running'));
  const closed = status({ pod: gated, runtime });
  const ready = (from: PodStatus) => from.conditions?.find(({ type }) => type === 'Ready');
  assert.equal(ready(closed)?.reason, 'ReadinessGatesNotReady');
  const open = status({
    pod: gated,
    runtime,
    previous: { conditions: [{ type: 'example.com/lb', status: 'True' }] },
  });
  assert.equal(ready(open)?.status, 'True');
  assert.ok(open.conditions?.some(({ type }) => type === 'example.com/lb'));
});

test('a pod on the host network has the address of its node', () => {
  const runtime = { sandboxes: [{ ...sandbox, ip: '' }], containers: [run('a', 'running')] };
  assert.equal(status({ pod: pod({ hostNetwork: true }), runtime }).podIP, '192.0.2.1');
});
