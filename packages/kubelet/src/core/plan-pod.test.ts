import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerRecord } from '../runtime/types.ts';
import { containerHash } from './names.ts';
import { planPod, type ProbeResults } from './plan-pod.ts';
import type { ContainerSpec, PodObject, PodRuntime, PodStatus } from './types.ts';

const identity = { name: 'p', namespace: 'default', uid: 'u' };
const image = 'busybox:1';

function pod(
  spec: Partial<PodObject['spec']> = {},
  metadata: Partial<PodObject['metadata']> = {},
): PodObject {
  return {
    metadata: { ...identity, resourceVersion: '1', creationTimestamp: '', ...metadata },
    spec: {
      restartPolicy: 'Always',
      containers: [
        { name: 'a', image },
        { name: 'b', image },
      ],
      ...spec,
    },
  };
}

function record(
  name: string,
  state: ContainerRecord['state'],
  more: Partial<ContainerRecord> = {},
): ContainerRecord {
  return {
    id: `${name}-${more.attempt ?? 0}`,
    pod: identity,
    name,
    attempt: 0,
    sandboxId: 's0',
    hash: containerHash({ name, image }),
    state,
    image,
    imageId: '',
    tty: false,
    createdAtMs: 0,
    startedAtMs: 1,
    ...(state === 'exited' ? { exitCode: 0, finishedAtMs: 2 } : {}),
    ...more,
  };
}

const ready = { id: 's0', pod: identity, attempt: 0, isReady: true, createdAtMs: 0, ip: '10.0.0.2' };
const dead = { ...ready, isReady: false, ip: '' };
const inSandbox = (...containers: ContainerRecord[]): PodRuntime => ({ sandboxes: [ready], containers });

const healthy: ProbeResults = { startup: () => 'passed', liveness: () => 'passed', isReady: () => true };

interface Case {
  readonly title: string;
  readonly pod?: PodObject;
  readonly runtime: PodRuntime;
  readonly probes?: Partial<ProbeResults>;
  readonly previous?: PodStatus;
  /** `+name#attempt` start, `-name(reason)` kill, `sandbox#n`, `finished`. */
  readonly want: string;
}

const init = (...names: string[]): ContainerSpec[] => names.map((name) => ({ name, image }));
const sidecar: ContainerSpec = { name: 'side', image, restartPolicy: 'Always' };
const jobSpec = { restartPolicy: 'Never' };

const cases: Case[] = [
  {
    title: 'a new pod gets a sandbox and all its containers',
    runtime: { sandboxes: [], containers: [] },
    want: 'sandbox#0 +a#0 +b#0',
  },
  {
    title: 'POD-2 what runs as wanted is left alone',
    runtime: inSandbox(record('a', 'running'), record('b', 'running')),
    want: '',
  },
  {
    title: 'a container that is missing is started',
    runtime: inSandbox(record('a', 'running')),
    want: '+b#0',
  },
  {
    title: 'a container that ended is started again with the next attempt',
    runtime: inSandbox(record('a', 'exited', { attempt: 3 }), record('b', 'running')),
    want: '+a#4',
  },
  {
    title: 'OnFailure leaves a success alone and repeats a failure',
    pod: pod({ restartPolicy: 'OnFailure' }),
    runtime: inSandbox(record('a', 'exited'), record('b', 'exited', { exitCode: 2 })),
    want: '+b#1',
  },
  {
    title: 'Never repeats nothing; the pod is finished when all have ended',
    pod: pod(jobSpec),
    runtime: inSandbox(record('a', 'exited'), record('b', 'exited', { exitCode: 2 })),
    want: 'finished',
  },
  {
    title: 'Never: one that still runs keeps the pod',
    pod: pod(jobSpec),
    runtime: inSandbox(record('a', 'exited'), record('b', 'running')),
    want: '',
  },
  {
    title: 'POD-1 only the first init container starts at first',
    pod: pod({ initContainers: init('i', 'j') }),
    runtime: { sandboxes: [], containers: [] },
    want: 'sandbox#0 +i#0',
  },
  {
    title: 'POD-1 the next init container waits for the one before',
    pod: pod({ initContainers: init('i', 'j') }),
    runtime: inSandbox(record('i', 'running')),
    want: '',
  },
  {
    title: 'POD-1 a passed init container lets the next one start',
    pod: pod({ initContainers: init('i', 'j') }),
    runtime: inSandbox(record('i', 'exited')),
    want: '+j#0',
  },
  {
    title: 'POD-1 all passed: the regular ones start',
    pod: pod({ initContainers: init('i', 'j') }),
    runtime: inSandbox(record('i', 'exited'), record('j', 'exited')),
    want: '+a#0 +b#0',
  },
  {
    title: 'a failed init container is repeated',
    pod: pod({ initContainers: init('i') }),
    runtime: inSandbox(record('i', 'exited', { exitCode: 1 })),
    want: '+i#1',
  },
  {
    title: 'a failed init container ends a pod that never restarts',
    pod: pod({ ...jobSpec, initContainers: init('i') }),
    runtime: inSandbox(record('i', 'exited', { exitCode: 1 })),
    want: 'finished',
  },
  {
    title: 'a forgotten init container is not repeated once regular ones ran',
    pod: pod({ initContainers: init('i') }),
    runtime: inSandbox(record('a', 'running'), record('b', 'running')),
    want: '',
  },
  {
    title: 'a sidecar that runs lets the rest start beside it',
    pod: pod({ initContainers: [sidecar] }),
    runtime: inSandbox(record('side', 'running')),
    want: '+a#0 +b#0',
  },
  {
    title: 'POD-1 a sidecar that has not started up holds the rest back',
    pod: pod({ initContainers: [sidecar] }),
    runtime: inSandbox(record('side', 'running')),
    probes: { startup: () => 'pending' },
    want: '',
  },
  {
    title: 'a sidecar that ended is started again beside running containers',
    pod: pod({ initContainers: [sidecar] }),
    runtime: inSandbox(record('side', 'exited'), record('a', 'running'), record('b', 'running')),
    want: '+side#1',
  },
  {
    title: 'sidecars do not keep a finished job alive',
    pod: pod({ ...jobSpec, initContainers: [sidecar] }),
    runtime: inSandbox(record('side', 'running'), record('a', 'exited'), record('b', 'exited')),
    want: 'finished',
  },
  {
    title: 'a changed image restarts the container',
    runtime: inSandbox(record('a', 'running', { hash: 'old' }), record('b', 'running')),
    want: '-a(changed)',
  },
  {
    title: 'a failed liveness probe kills',
    runtime: inSandbox(record('a', 'running'), record('b', 'running')),
    probes: { liveness: (id) => (id === 'b-0' ? 'failed' : 'passed') },
    want: '-b(liveness)',
  },
  {
    title: 'a failed startup probe kills',
    runtime: inSandbox(record('a', 'running'), record('b', 'running')),
    probes: { startup: (id) => (id === 'a-0' ? 'failed' : 'passed') },
    want: '-a(startup)',
  },
  {
    title: 'a dead sandbox is replaced and everything starts anew',
    runtime: {
      sandboxes: [dead],
      containers: [record('a', 'exited', { exitCode: 255 }), record('b', 'exited', { exitCode: 255 })],
    },
    want: 'sandbox#1 +a#1 +b#1',
  },
  {
    title: 'a dead sandbox of a pod that never restarts is the end of it',
    pod: pod(jobSpec),
    runtime: {
      sandboxes: [dead],
      containers: [record('a', 'exited', { exitCode: 255 }), record('b', 'exited')],
    },
    want: 'finished',
  },
  {
    title: 'what the runtime forgot, the status still counts',
    runtime: { sandboxes: [], containers: [] },
    previous: {
      containerStatuses: [
        { name: 'a', image, imageID: '', ready: true, restartCount: 4, containerID: 'docker://x' },
        { name: 'b', image, imageID: '', ready: false, restartCount: 0 },
      ],
    },
    want: 'sandbox#0 +a#5 +b#0',
  },
  {
    title: 'a job that the status knows as ended is not run again',
    pod: pod({ ...jobSpec, containers: [{ name: 'a', image }] }),
    runtime: { sandboxes: [], containers: [] },
    previous: {
      containerStatuses: [
        {
          name: 'a',
          image,
          imageID: '',
          ready: false,
          restartCount: 0,
          containerID: 'docker://x',
          state: { terminated: { exitCode: 0 } },
        },
      ],
    },
    want: 'finished',
  },
  {
    title: 'POD-3 nothing starts in a pod that is being deleted',
    pod: pod({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    runtime: { sandboxes: [], containers: [] },
    want: '',
  },
];

for (const { title, pod: wanted = pod(), runtime, probes = {}, previous, want } of cases) {
  test(title, () => {
    const plan = planPod({ pod: wanted, runtime, probes: { ...healthy, ...probes }, previous });
    const words = [
      ...(plan.isFinished ? ['finished'] : []),
      ...(plan.newSandbox === undefined ? [] : [`sandbox#${plan.newSandbox.attempt}`]),
      ...plan.kill.map(({ spec, reason }) => `-${spec.name}(${reason})`),
      ...plan.start.map(({ container, attempt }) => `+${container.spec.name}#${attempt}`),
    ];
    assert.equal(words.join(' '), want);
  });
}
