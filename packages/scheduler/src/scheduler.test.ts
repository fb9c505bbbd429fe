import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, Event, Namespace, Node, Pod, Service } from '@kubelab/api';
import { createEventRecorder, createInformerFactory, TransportError } from '@kubelab/client';
import { failing, FakeKubeClient, startInformers } from '@kubelab/client/testing';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { buildProfile } from './profile.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { newNode, newPod } from './testing/fixtures.ts';

async function setUp(options: Partial<SchedulerOptions> = {}) {
  const clock = new FakeClock();
  const client = new FakeKubeClient({ clock, gracefulPods: true });
  const deps = { clock, random: seededRandom(7), log: silentLogger };
  const informers = createInformerFactory(client, deps);
  const events = createEventRecorder(client, { component: 'default-scheduler', ...deps });
  const scheduler = new Scheduler(
    { client, informers, events, ...deps },
    { profiles: [buildProfile()], ...options },
  );
  const stop = await startInformers(informers);
  await clock.advance(0);
  const run = () => void scheduler.run(stop.signal);
  const bindings = () =>
    client.actions
      .filter(({ subresource }) => subresource === 'binding')
      .map(({ name, body }) => `${name}>${(body as { target: { name: string } }).target.name}`);
  const messages = () => client.objects(Event).map(({ reason, message }) => `${reason}: ${message}`);
  const scheduled = (key: string) =>
    client.find(Pod, `default/${key}`)?.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  /** Lets everything that is possible without time passing happen. */
  const rest = async () => {
    for (let turn = 0; turn < 20; turn++) await clock.advance(0);
  };
  return { clock, client, stop, run, bindings, messages, scheduled, rest };
}

test('a pod without a node is bound at once, with an event as upstream words it', async () => {
  const { clock, client, stop, run, bindings, messages } = await setUp();
  client.seed(Node, newNode('node-1'));
  run();
  client.seed(Pod, newPod('web-x'));
  await clock.advance(0);
  assert.deepEqual(bindings(), ['web-x>node-1']);
  assert.deepEqual(messages(), ['Scheduled: Successfully assigned default/web-x to node-1']);
  assert.equal(client.find(Pod, 'default/web-x')?.spec.nodeName, 'node-1');
  assert.equal(clock.pendingTimers, 0, 'nothing ticks at rest');
  stop.abort();
});

test('a pod that fits nowhere is told why, in an event and its condition', async () => {
  const { clock, client, stop, run, bindings, messages, scheduled, rest } = await setUp();
  const taints = [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }];
  client.seed(
    Node,
    newNode('node-1', { spec: { taints } }),
    newNode('node-2', { cpu: '1' }),
    newNode('node-3', { cpu: '1' }),
  );
  client.seed(Node, newNode('node-4', { spec: { unschedulable: true } }));
  await rest();
  run();
  client.seed(Pod, newPod('big', { cpu: '2' }));
  await rest();
  const why =
    '0/4 nodes are available: 1 node(s) had untolerated taint {dedicated: db}, 1 node(s) were unschedulable, 2 Insufficient cpu. ' +
    'preemption: 0/4 nodes are available: 4 Preemption is not helpful for scheduling.';
  assert.deepEqual(messages(), [`FailedScheduling: ${why}`]);
  const { status, reason, message } = scheduled('big') ?? {};
  assert.deepEqual([status, reason, message], ['False', 'Unschedulable', why]);
  assert.deepEqual(bindings(), []);
  client.clearActions();
  await clock.advance(60_000);
  assert.deepEqual(client.actions, [], 'its own writes do not wake it');
  stop.abort();
});

test('without nodes it says so, and the first node takes the pod at once', async () => {
  const { clock, client, stop, run, bindings, messages } = await setUp();
  run();
  client.seed(Pod, newPod('web'));
  await clock.advance(10);
  assert.deepEqual(messages(), ['FailedScheduling: no nodes available to schedule pods']);
  client.seed(Node, newNode('node-1'));
  await clock.advance(0);
  assert.deepEqual(bindings(), ['web>node-1']);
  stop.abort();
});

const wakes: [string, Parameters<typeof newNode>[1], Parameters<typeof newPod>[1], (node: Node) => void][] = [
  [
    'a taint that goes',
    { spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] } },
    {},
    (node) => delete node.spec?.taints,
  ],
  ['uncordoning', { spec: { unschedulable: true } }, {}, (node) => delete node.spec?.unschedulable],
  [
    'a label that comes',
    {},
    { spec: { nodeSelector: { disk: 'ssd' } } },
    (node) => Object.assign(node.metadata.labels ?? {}, { disk: 'ssd' }),
  ],
  [
    'more room',
    { cpu: '1' },
    { cpu: '2' },
    (node) => Object.assign(node.status?.allocatable ?? {}, { cpu: '4' }),
  ],
];
for (const [name, nodeWords, podWords, change] of wakes) {
  test(`SCHQ-2 ${name} wakes the pods that wait for it at once`, async () => {
    const { clock, client, stop, run, bindings } = await setUp();
    client.seed(Node, newNode('node-1', nodeWords));
    run();
    client.seed(Pod, newPod('web', podWords));
    await clock.advance(20);
    client.mutate(Node, 'node-1', (node) => (node.status = { ...node.status, phase: 'Running' }));
    await clock.advance(0);
    assert.deepEqual(bindings(), []);
    client.mutate(Node, 'node-1', change);
    await clock.advance(0);
    assert.deepEqual(bindings(), ['web>node-1']);
    stop.abort();
  });
}

test('SCHQ-2 a pod that ends makes room for one that waits', async () => {
  const { clock, client, stop, run, bindings } = await setUp();
  client.seed(Node, newNode('node-1', { cpu: '1' }));
  client.seed(Pod, newPod('old', { cpu: '1', spec: { nodeName: 'node-1' } }));
  run();
  client.seed(Pod, newPod('new', { cpu: '1' }));
  await clock.advance(10);
  assert.deepEqual(bindings(), []);
  client.mutate(Pod, 'default/old', (pod) => (pod.status = { phase: 'Succeeded' }));
  await clock.advance(0);
  assert.deepEqual(bindings(), ['new>node-1']);
  stop.abort();
});

test('SCHED-4 pods of another scheduler are left alone; two profiles may run side by side', async () => {
  const { clock, client, stop, run, bindings } = await setUp({
    profiles: [
      buildProfile(),
      buildProfile({ schedulerName: 'second', plugins: { multiPoint: { disabled: [{ name: '*' }] } } }),
    ],
  });
  client.seed(Node, newNode('node-1', { cpu: '1' }));
  run();
  client.seed(Pod, newPod('theirs', { spec: { schedulerName: 'other' } }));
  client.seed(Pod, newPod('anything-goes', { cpu: '100', spec: { schedulerName: 'second' } }));
  await clock.advance(10);
  assert.deepEqual(bindings(), ['anything-goes>node-1']);
  stop.abort();
});

test('a gated pod waits until its gates are gone', async () => {
  const { clock, client, stop, run, bindings, messages } = await setUp();
  client.seed(Node, newNode('node-1'));
  run();
  client.seed(Pod, newPod('web', { spec: { schedulingGates: [{ name: 'example.com/quota' }] } }));
  await clock.advance(10);
  assert.deepEqual([bindings(), messages()], [[], []]);
  client.mutate(Pod, 'default/web', (pod) => (pod.spec.schedulingGates = []));
  await clock.advance(0);
  assert.deepEqual(bindings(), ['web>node-1']);
  stop.abort();
});

test('more important pods go first', async () => {
  const { client, stop, run, bindings, rest } = await setUp();
  client.seed(Node, newNode('node-1'));
  for (const [name, priority] of [
    ['a', 0],
    ['b', 10],
    ['c', 10],
    ['d', 100],
  ] as const) {
    client.seed(Pod, newPod(name, { spec: { priority } }));
  }
  await rest();
  run();
  await rest();
  assert.deepEqual(bindings(), ['d>node-1', 'b>node-1', 'c>node-1', 'a>node-1']);
  stop.abort();
});

test('SCHED-3 a binding that is refused frees the place and is tried again after a pause', async () => {
  const { clock, client, stop, run, bindings } = await setUp();
  client.seed(Node, newNode('node-1', { cpu: '1' }));
  client.intercept(failing({ subresource: 'binding' }, errors.internalError(new Error('etcd'))));
  run();
  client.seed(Pod, newPod('web', { cpu: '1' }));
  await clock.advance(500);
  assert.equal(bindings().length, 1);
  await clock.advance(500);
  assert.deepEqual(bindings(), ['web>node-1', 'web>node-1']);
  assert.equal(client.find(Pod, 'default/web')?.spec.nodeName, 'node-1');
  stop.abort();
});

test('SCHED-3 a binding nobody answered is looked up, and the place is held meanwhile', async () => {
  const { clock, client, stop, run, bindings } = await setUp();
  client.seed(Node, newNode('node-1', { cpu: '1' }));
  // The binding arrives, its answer does not; nor does the watch tell for a while.
  const bind = client.createSubresource.bind(client);
  client.createSubresource = async (...args) => {
    client.createSubresource = bind;
    await bind(...args);
    throw new TransportError('a', 'reset', { maybeSent: true });
  };
  run();
  client.seed(Pod, newPod('web', { cpu: '1' }), newPod('second', { cpu: '1' }));
  await clock.advance(2000);
  assert.deepEqual(bindings(), ['web>node-1'], 'the second did not get the place');
  assert.equal(client.find(Pod, 'default/web')?.spec.nodeName, 'node-1');
  stop.abort();
});

test('a pod deleted while it waits is forgotten', async () => {
  const { clock, client, stop, run, bindings } = await setUp();
  run();
  client.seed(Pod, newPod('web'));
  await clock.advance(10);
  client.removeNow(Pod, 'default/web');
  client.seed(Node, newNode('node-1'));
  await clock.advance(20_000);
  assert.deepEqual(bindings(), []);
  stop.abort();
});

test('pods of one service spread over the nodes, even where that is not the emptiest', async () => {
  const { client, stop, run, rest } = await setUp();
  client.seed(Service, { metadata: { name: 'web' }, spec: { selector: { app: 'web' } } });
  for (const name of ['a', 'b', 'c'])
    client.seed(Node, newNode(name, name === 'c' ? { cpu: '16', memory: '32Gi' } : {}));
  await rest();
  run();
  for (let i = 0; i < 9; i++) client.seed(Pod, newPod(`web-${i}`, { labels: { app: 'web' } }));
  await rest();
  const counts = new Map<string, number>();
  for (const { spec } of client.objects(Pod))
    counts.set(spec.nodeName ?? '', (counts.get(spec.nodeName ?? '') ?? 0) + 1);
  assert.deepEqual([...counts.values()], [3, 3, 3]);
  stop.abort();
});

test('preemption ends less important pods, and the important one gets their place', async () => {
  const { clock, client, stop, run, bindings, messages } = await setUp();
  client.seed(Node, newNode('node-1', { cpu: '2' }), newNode('node-2', { cpu: '2' }));
  const on = (nodeName: string, priority: number) => ({ cpu: '1', spec: { nodeName, priority } });
  client.seed(Pod, newPod('low-1', on('node-1', 1)), newPod('mid-1', on('node-1', 5)));
  client.seed(Pod, newPod('low-2', on('node-2', 2)), newPod('mid-2', on('node-2', 5)));
  run();
  client.seed(Pod, newPod('vip', { cpu: '1', spec: { priority: 10 } }));
  await clock.advance(10);
  const victim = client.find(Pod, 'default/low-1');
  assert.notEqual(victim?.metadata.deletionTimestamp, undefined, 'the least important goes, gracefully');
  assert.equal(victim?.status?.conditions?.[0]?.reason, 'PreemptionByScheduler');
  assert.equal(client.find(Pod, 'default/vip')?.status?.nominatedNodeName, 'node-1');
  assert.deepEqual(bindings(), []);
  assert.ok(messages().includes('FailedScheduling: 0/2 nodes are available: 2 Insufficient cpu.'));
  // Somebody less important comes meanwhile: the place is promised.
  client.removeNow(Pod, 'default/low-1');
  client.seed(Pod, newPod('late', { cpu: '1', spec: { priority: 0 } }));
  await clock.advance(10);
  assert.deepEqual(bindings(), ['vip>node-1']);
  assert.match(
    messages().find((message) => message.startsWith('Preempted')) ?? '',
    /by pod .* on node node-1$/,
  );
  stop.abort();
});

test('300 pods over 50 nodes are placed within a second or two of work', async () => {
  const { clock, client, stop, run, bindings } = await setUp();
  client.seed(Namespace, { metadata: { name: 'default' }, spec: {} });
  for (let i = 0; i < 50; i++)
    client.seed(Node, newNode(`node-${i}`, { labels: { 'topology.kubernetes.io/zone': `z${i % 3}` } }));
  for (let i = 0; i < 300; i++)
    client.seed(Pod, newPod(`p-${i}`, { cpu: '500m', memory: '256Mi', labels: { app: `a${i % 5}` } }));
  await clock.advance(0);
  const startMs = performance.now();
  run();
  for (let i = 0; i < 1000 && bindings().length < 300; i++) await clock.advance(1);
  const tookMs = performance.now() - startMs;
  assert.equal(bindings().length, 300);
  assert.ok(tookMs < 5000, `took ${Math.round(tookMs)} ms`);
  stop.abort();
});
