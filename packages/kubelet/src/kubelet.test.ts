import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { Event, getCondition, Lease, Node, Pod } from '@kubelab/api';
import { eventually } from '@kubelab/component-base/testing';
import type { HollowRuntime } from './runtime/hollow/hollow-runtime.ts';
import {
  NODE_NAME,
  startTestKubelet,
  type TestKubelet,
  type TestKubeletOptions,
  testPod,
} from './testing/test-kubelet.ts';

let kubelet: TestKubelet | undefined;
afterEach(async () => {
  await kubelet?.stop();
  kubelet = undefined;
});

async function start(options: TestKubeletOptions = {}): Promise<TestKubelet> {
  kubelet = await startTestKubelet(options);
  return kubelet;
}

function podOf({ client }: TestKubelet, name: string): Pod | undefined {
  return client.objects(Pod).find((pod) => pod.metadata.name === name);
}

function isPhase(test: TestKubelet, name: string, phase: string) {
  return eventually(`${name} is ${phase}`, () => {
    const pod = podOf(test, name);
    return pod?.status?.phase === phase ? pod : undefined;
  });
}

test('a node is registered with upstream labels, is Ready once its pod CIDR is known, and keeps its lease', async () => {
  const { client } = await start({ podCidr: undefined });
  const node = await eventually('the node', () => client.objects(Node)[0]);
  assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], NODE_NAME);
  await eventually('NotReady, told why', () => {
    const ready = getCondition(client.objects(Node)[0]?.status?.conditions, 'Ready');
    return (
      ready?.status === 'False' &&
      ready.reason === 'KubeletNotReady' &&
      ready.message?.includes('network not ready')
    );
  });
  await client.patch(Node, { name: NODE_NAME }, { spec: { podCIDR: '10.244.3.0/24' } }, { type: 'merge' });
  await eventually('Ready', () => {
    const ready = getCondition(client.objects(Node)[0]?.status?.conditions, 'Ready');
    return ready?.status === 'True' && ready.reason === 'KubeletReady';
  });
  const lease = await eventually('the lease', () => client.objects(Lease)[0]);
  assert.equal(lease.spec.holderIdentity, NODE_NAME);
  assert.equal(lease.spec.leaseDurationSeconds, 4);
  await eventually('its renewal', () => client.objects(Lease)[0]?.spec.renewTime !== lease.spec.renewTime);
});

test('a node that others gave up says again that it is Ready', async () => {
  const { client } = await start();
  const ready = () => getCondition(client.objects(Node)[0]?.status?.conditions, 'Ready');
  await eventually('Ready', () => ready()?.status === 'True');
  client.mutate(Node, NODE_NAME, (node) => {
    for (const condition of node.status?.conditions ?? []) {
      if (condition.type === 'Ready')
        Object.assign(condition, { status: 'Unknown', reason: 'NodeStatusUnknown' });
    }
  });
  await eventually('Ready again', () => ready()?.status === 'True' && ready()?.reason === 'KubeletReady');
});

test('a bound pod runs: phase, conditions, address, container status', async () => {
  const running = await start();
  await running.client.create(Pod, testPod('web'));
  const pod = await isPhase(running, 'web', 'Running');
  const { status } = pod;
  assert.equal(status?.podIP, '10.244.1.2');
  assert.deepEqual(status.podIPs, [{ ip: '10.244.1.2' }]);
  assert.equal(status.hostIP, '192.0.2.1');
  assert.equal(status.qosClass, 'BestEffort');
  const container = status.containerStatuses?.[0];
  assert.ok(container?.state?.running?.startedAt !== undefined);
  assert.deepEqual([container.ready, container.started, container.restartCount], [true, true, 0]);
  assert.match(container.containerID ?? '', /^hollow:\/\//);
  const conditions = Object.fromEntries(
    (status.conditions ?? []).map(({ type, status: value }) => [type, value]),
  );
  assert.deepEqual(conditions, {
    PodReadyToStartContainers: 'True',
    Initialized: 'True',
    Ready: 'True',
    ContainersReady: 'True',
    PodScheduled: 'True',
  });
  const reasons = await eventually('the events', () => {
    const found = running.client.objects(Event).map(({ reason }) => reason);
    return found.includes('Started') ? found : undefined;
  });
  assert.deepEqual(
    reasons.toSorted((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1)),
    ['Created', 'Pulled', 'Started'],
  );
});

test('WORKER-2 a deleted pod leaves the API after its containers are gone', async () => {
  const running = await start();
  await running.client.create(Pod, testPod('web'));
  await isPhase(running, 'web', 'Running');
  await running.client.delete(Pod, { namespace: 'default', name: 'web' });
  await eventually('it is gone', () => podOf(running, 'web') === undefined);
  assert.deepEqual(await running.runtime.listPods(), { sandboxes: [], containers: [] });
  const final = running.client.actions.findLast(({ verb }) => verb === 'delete');
  assert.match(JSON.stringify(final), /"name":"web"/);
});

test('a failing container is restarted at once, then waits in CrashLoopBackOff', async () => {
  const running = await start();
  const runtime = running.runtime as HollowRuntime;
  await running.client.create(Pod, testPod('web'));
  await isPhase(running, 'web', 'Running');
  const exitOnce = async () => {
    const { containers } = await runtime.listPods();
    const alive = containers.find(({ state }) => state === 'running');
    assert.ok(alive !== undefined);
    runtime.exit(alive.id, 3);
  };
  await exitOnce();
  await eventually(
    'the first restart',
    () => podOf(running, 'web')?.status?.containerStatuses?.[0]?.restartCount === 1,
  );
  await exitOnce();
  const waiting = await eventually('the back-off', () => {
    const container = podOf(running, 'web')?.status?.containerStatuses?.[0];
    return container?.state?.waiting?.reason === 'CrashLoopBackOff' ? container : undefined;
  });
  assert.match(
    waiting.state?.waiting?.message ?? '',
    /^back-off 10s restarting failed container=web pod=web_default\(/,
  );
  assert.equal(waiting.lastState?.terminated?.exitCode, 3);
  assert.equal(waiting.lastState?.terminated?.reason, 'Error');
  assert.equal(
    getCondition(podOf(running, 'web')?.status?.conditions, 'Ready')?.reason,
    'ContainersNotReady',
  );
});

test('POD-1 init containers run one after another before the rest; a finished job succeeds', async () => {
  const running = await start();
  const runtime = running.runtime as HollowRuntime;
  await running.client.create(
    Pod,
    testPod('job', {
      restartPolicy: 'Never',
      initContainers: [
        { name: 'first', image: 'busybox:test' },
        { name: 'second', image: 'busybox:test' },
      ],
    }),
  );
  const finish = async (name: string) => {
    const record = await eventually(`${name} runs`, async () =>
      (await runtime.listPods()).containers.find((found) => found.name === name && found.state === 'running'),
    );
    runtime.exit(record.id, 0);
  };
  await finish('first');
  await eventually('it says Initialized=False', () => {
    const condition = getCondition(podOf(running, 'job')?.status?.conditions, 'Initialized');
    return condition?.status === 'False' && condition.reason === 'ContainersNotInitialized';
  });
  assert.ok(!(await runtime.listPods()).containers.some(({ name }) => name === 'web'));
  await finish('second');
  await finish('web');
  const pod = await isPhase(running, 'job', 'Succeeded');
  assert.equal(getCondition(pod.status?.conditions, 'Ready')?.reason, 'PodCompleted');
  assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.reason, 'Completed');
  assert.equal(pod.status?.podIP, '10.244.1.2');
});

test('a pod that asks for more than the node has is refused with OutOfcpu', async () => {
  const running = await start({ capacity: { cpu: '1', memory: '1Gi', pods: '10' } });
  const big = { resources: { requests: { cpu: '700m' } } };
  await running.client.create(Pod, testPod('a', {}, big));
  await isPhase(running, 'a', 'Running');
  await running.client.create(Pod, testPod('b', {}, big));
  const refused = await isPhase(running, 'b', 'Failed');
  assert.equal(refused.status?.reason, 'OutOfcpu');
  assert.match(refused.status?.message ?? '', /requested: 700, used: 700, capacity: 1000/);
});

test('MANAGER-1 containers of a pod that the API no longer has are removed once both sides are known', async () => {
  const first = await startTestKubelet();
  await first.client.create(Pod, testPod('web'));
  await isPhase(first, 'web', 'Running');
  await first.stop();
  await first.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
  const second = await start({ runtime: first.runtime, client: first.client });
  await eventually('nothing is left', async () => (await second.runtime.listPods()).sandboxes.length === 0);
});

test('POD-2 a kubelet that starts again leaves healthy containers alone', async () => {
  const first = await startTestKubelet();
  await first.client.create(Pod, testPod('web'));
  const before = await isPhase(first, 'web', 'Running');
  await first.stop();
  const containers = (await first.runtime.listPods()).containers.map(({ id }) => id);
  const second = await start({ runtime: first.runtime, client: first.client });
  await second.client.create(Pod, testPod('other'));
  await isPhase(second, 'other', 'Running');
  const after = podOf(second, 'web');
  assert.deepEqual(after?.status, before.status);
  assert.ok((await second.runtime.listPods()).containers.some(({ id }) => id === containers[0]));
});

test('a dead sandbox is replaced as a whole, and the restart is counted', async () => {
  const running = await start();
  await running.client.create(Pod, testPod('web'));
  await isPhase(running, 'web', 'Running');
  const { sandboxes } = await running.runtime.listPods();
  await running.runtime.stopPodSandbox(sandboxes[0]?.id ?? '');
  const status = await eventually('it runs again', () => {
    const container = podOf(running, 'web')?.status?.containerStatuses?.[0];
    return container?.restartCount === 1 && container.state?.running !== undefined ? container : undefined;
  });
  assert.equal(status.lastState?.terminated?.exitCode, 137);
  assert.equal((await running.runtime.listPods()).sandboxes[0]?.attempt, 1);
});

test('activeDeadlineSeconds ends a pod with DeadlineExceeded', async () => {
  const running = await start();
  await running.client.create(Pod, testPod('web', { activeDeadlineSeconds: 1 }));
  const pod = await isPhase(running, 'web', 'Failed');
  assert.equal(pod.status?.reason, 'DeadlineExceeded');
});

test('WORKER-1 updates that come during a pass lead to another pass, never to a second one beside it', async () => {
  const running = await start();
  const runtime = running.runtime as HollowRuntime;
  const run = runtime.runPodSandbox.bind(runtime);
  let sandboxCount = 0;
  runtime.runPodSandbox = async (config) => {
    sandboxCount++;
    for (let i = 0; i < 10; i++) {
      running.client.mutate(Pod, 'default/web', (pod) => {
        pod.metadata.labels = { round: String(i) };
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    return run(config);
  };
  await running.client.create(Pod, testPod('web'));
  await isPhase(running, 'web', 'Running');
  assert.equal(sandboxCount, 1);
});

test('a pod that is deleted while its image is on the way does not wait for it', async () => {
  const running = await start({
    imageSources: [
      {
        name: 'slow',
        lookUp: () => new Promise(() => undefined),
        archive: () => Promise.reject(new Error()),
      },
    ],
  });
  await running.client.create(Pod, testPod('web', {}, { imagePullPolicy: 'Always' }));
  await eventually(
    'it waits',
    () => podOf(running, 'web')?.status?.containerStatuses?.[0]?.state?.waiting !== undefined,
  );
  await running.client.delete(Pod, { namespace: 'default', name: 'web' });
  await eventually('it is gone', () => podOf(running, 'web') === undefined);
});

test('30 pods at once all run, and the lease is renewed meanwhile', async () => {
  const running = await start();
  for (let i = 0; i < 30; i++) await running.client.create(Pod, testPod(`p${i}`));
  await eventually('all run', () =>
    running.client.objects(Pod).every(({ status }) => status?.phase === 'Running'),
  );
  const ips = new Set(running.client.objects(Pod).map(({ status }) => status?.podIP));
  assert.equal(ips.size, 30);
});
