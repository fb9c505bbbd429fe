import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { ConfigMap, type ContainerStatus, Event, getCondition, Node, Pod, Secret } from '@kubelab/api';
import { FakeKubeClient } from '@kubelab/client/testing';
import { createLogger, realClock } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { dockerRuntime } from './runtime/docker/docker-runtime.ts';
import type { Runtime } from './runtime/types.ts';
import { engineSkipReason, importBusybox, type OwnEngine, startOwnEngine } from './testing/own-engine.ts';
import { NODE_NAME, startTestKubelet, type TestKubelet, testPod } from './testing/test-kubelet.ts';

const skip = engineSkipReason();
const log = createLogger('kubelet', process.env['KUBELET_TEST_LOG'] === undefined ? 'error' : 'debug');

describe('the kubelet on a real engine', { skip: skip ?? false }, () => {
  let own: OwnEngine;
  let runtime: Runtime;
  let client: FakeKubeClient;
  let running: TestKubelet;
  let rootDir: string;

  before(async () => {
    own = await startOwnEngine();
    await importBusybox(own.engine);
    rootDir = await mkdtemp(join(tmpdir(), 'kubelet-e2e-'));
    runtime = await dockerRuntime({ endpoint: own.endpoint, nodeName: NODE_NAME, clock: realClock });
    client = new FakeKubeClient({ clock: realClock, gracefulPods: true });
    running = await startTestKubelet({ client, runtime, rootDir, log });
  });
  after(async () => {
    await running?.stop();
    await own?.remove();
    if (rootDir !== undefined) await rm(rootDir, { recursive: true, force: true });
  });

  const pod = (name: string) => client.objects(Pod).find(({ metadata }) => metadata.name === name);
  const container = (name: string): ContainerStatus | undefined => pod(name)?.status?.containerStatuses?.[0];
  const isPhase = (name: string, phase: string) =>
    eventually(
      `${name} is ${phase}`,
      () => (pod(name)?.status?.phase === phase ? pod(name) : undefined),
      20_000,
    );
  const remove = async (name: string) => {
    const { terminationGracePeriodSeconds: gracePeriodSeconds = 1 } = pod(name)?.spec ?? {};
    await client.delete(
      Pod,
      { namespace: 'default', name },
      { gracePeriodSeconds: Math.max(1, gracePeriodSeconds) },
    );
    await eventually(`${name} is gone`, () => pod(name) === undefined, 20_000);
  };
  const logOf = async (name: string): Promise<string> => {
    const id = container(name)?.containerID?.split('//')[1] ?? '';
    const out = new PassThrough();
    const options = {
      follow: false,
      timestamps: false,
      tailLines: undefined,
      sinceMs: undefined,
      tty: false,
    };
    await runtime.logs(id, options, { stdout: out, stderr: out }, new AbortController().signal);
    return out.read()?.toString() ?? '';
  };
  const logLine = (name: string, pattern: RegExp) =>
    eventually(`${name} logs ${pattern}`, async () => {
      const text = await logOf(name);
      return pattern.test(text) ? text : undefined;
    });
  const events = (reason: string) => client.objects(Event).filter((event) => event.reason === reason);

  test('the node tells its engine and is Ready', async () => {
    const node = await eventually('Ready', () => {
      const found = client.objects(Node)[0];
      return getCondition(found?.status?.conditions, 'Ready')?.status === 'True' ? found : undefined;
    });
    assert.match(node.status?.nodeInfo?.containerRuntimeVersion ?? '', /^docker:\/\/\d+/);
  });

  test('a pod with environment and volumes runs with all it asked for', async () => {
    client.seed(ConfigMap, {
      metadata: { name: 'conf', namespace: 'default' },
      data: { color: 'blue', 'a.txt': 'file' },
    });
    client.seed(Secret, {
      metadata: { name: 'pass', namespace: 'default' },
      data: { word: Buffer.from('s3cret').toString('base64') },
    });
    const script = [
      'echo "$COLOR $WORD $POD_NAME $POD_IP $GREETING $CPU"',
      'cat /conf/a.txt',
      'cat /down/labels',
      'ls -ld /secret/..data/word',
      'cat /sub/file',
      'touch /scratch/x && ls /scratch',
      'id -u',
      'sleep 1000',
    ].join('; ');
    await client.create(
      Pod,
      testPod(
        'full',
        {
          securityContext: { fsGroup: 2000 },
          volumes: [
            { name: 'conf', configMap: { name: 'conf' } },
            { name: 'pass', secret: { secretName: 'pass', defaultMode: 0o400 } },
            { name: 'scratch', emptyDir: {} },
            {
              name: 'down',
              downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.name' } }] },
            },
          ],
        },
        {
          command: ['sh', '-c', script],
          securityContext: { runAsUser: 1000 },
          env: [
            { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'conf', key: 'color' } } },
            { name: 'WORD', valueFrom: { secretKeyRef: { name: 'pass', key: 'word' } } },
            { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'GREETING', value: 'hello-$(COLOR)' },
            { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
          ],
          volumeMounts: [
            { name: 'conf', mountPath: '/conf' },
            { name: 'conf', mountPath: '/sub/file', subPath: 'a.txt' },
            { name: 'pass', mountPath: '/secret' },
            { name: 'scratch', mountPath: '/scratch' },
            { name: 'down', mountPath: '/down' },
          ],
        },
      ),
    );
    const { status } = await isPhase('full', 'Running');
    const text = await logLine('full', /\n1000\n/);
    assert.match(text, new RegExp(`^blue s3cret full ${status?.podIP} hello-blue 4\n`));
    assert.match(text, /\nfilefull-r--r-----.*2000/); // mode 0400, readable for the pod's group
    assert.match(text, /word\nfilex\n1000\n/);
    await remove('full');
    assert.deepEqual(
      running.kubelet.pods.pods().map(({ metadata }) => metadata.name),
      [],
    );
  });

  test('a pod whose image is nowhere waits in ErrImageNeverPull and ErrImagePull', async () => {
    await client.create(Pod, testPod('never', {}, { image: 'nothing:1', imagePullPolicy: 'Never' }));
    await eventually('the reason', () => container('never')?.state?.waiting?.reason === 'ErrImageNeverPull');
    await client.create(Pod, testPod('pull', {}, { image: 'localhost:1/nothing:1' }));
    await eventually(
      'the reason',
      () => container('pull')?.state?.waiting?.reason === 'ErrImagePull',
      20_000,
    );
    await remove('never');
    await remove('pull');
  });

  test('a missing ConfigMap keeps the container in CreateContainerConfigError until it is there', async () => {
    const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'late', key: 'a' } } }];
    await client.create(Pod, testPod('late', {}, { command: ['sleep', '1000'], env }));
    const waiting = await eventually('the reason', () => {
      const state = container('late')?.state?.waiting;
      return state?.reason === 'CreateContainerConfigError' ? state : undefined;
    });
    assert.match(waiting.message ?? '', /configmap "late" not found/);
    client.seed(ConfigMap, { metadata: { name: 'late', namespace: 'default' }, data: { a: '1' } });
    await isPhase('late', 'Running');
    await remove('late');
  });

  test('a probe that fails restarts the container; readiness follows its probe', async () => {
    const exec = (command: string) => ({ exec: { command: ['sh', '-c', command] } });
    await client.create(
      Pod,
      testPod(
        'probed',
        { terminationGracePeriodSeconds: 0 },
        {
          command: ['sh', '-c', 'sleep 1; touch /tmp/ready; sleep 1000'],
          readinessProbe: { ...exec('cat /tmp/ready'), periodSeconds: 1, failureThreshold: 1 },
          livenessProbe: {
            ...exec('test ! -e /tmp/sick'),
            periodSeconds: 1,
            failureThreshold: 1,
            timeoutSeconds: 5,
          },
        },
      ),
    );
    await isPhase('probed', 'Running');
    assert.equal(container('probed')?.ready, false);
    await eventually('ready', () => container('probed')?.ready === true);
    const id = container('probed')?.containerID?.split('//')[1] ?? '';
    await runtime.execSync(id, ['touch', '/tmp/sick'], 5_000);
    const restarted = await eventually('the restart', () => {
      const status = container('probed');
      return status?.restartCount === 1 && status.state?.running !== undefined ? status : undefined;
    });
    assert.equal(restarted.lastState?.terminated?.exitCode, 137);
    assert.ok(events('Unhealthy').some(({ message }) => message?.startsWith('Liveness probe failed')));
    assert.ok(
      events('Killing').some(({ message }) => message?.includes('failed liveness probe, will be restarted')),
    );
    await remove('probed');
  });

  test('a pod is ended gracefully: preStop, TERM, and its own last words', async () => {
    const script =
      'trap "echo bye > /dev/termination-log; exit 0" TERM; echo up; while true; do sleep 0.1; done';
    await client.create(
      Pod,
      testPod(
        'polite',
        { terminationGracePeriodSeconds: 20 },
        {
          command: ['sh', '-c', script],
          lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo hook > /proc/1/fd/1'] } } },
        },
      ),
    );
    await isPhase('polite', 'Running');
    await logLine('polite', /up/);
    const statuses: unknown[] = [];
    client.intercept((action) => {
      if (action.verb === 'patch' && action.name === 'polite') statuses.push(action.body);
      return undefined;
    });
    const startMs = performance.now();
    await remove('polite');
    assert.ok(performance.now() - startMs < 5_000, 'it did not take the whole grace period');
    const last = JSON.stringify(statuses.at(-1));
    assert.match(last, /"exitCode":0,"reason":"Completed","message":"bye\\n"/);
    assert.match(last, /"phase":"Succeeded"/);
  });

  test('a job that fails shows its exit code and the end of its log', async () => {
    await client.create(
      Pod,
      testPod(
        'job',
        { restartPolicy: 'Never' },
        { command: ['sh', '-c', 'echo it broke; exit 4'], terminationMessagePolicy: 'FallbackToLogsOnError' },
      ),
    );
    await isPhase('job', 'Failed');
    const terminated = container('job')?.state?.terminated;
    assert.deepEqual(
      [terminated?.exitCode, terminated?.reason, terminated?.message],
      [4, 'Error', 'it broke\n'],
    );
    assert.match(await logOf('job'), /it broke/);
    await remove('job');
  });

  test('HOSTPATH-1 the engine socket cannot be mounted, not even through a symlink', async () => {
    await client.create(
      Pod,
      testPod(
        'thief',
        { volumes: [{ name: 'sock', hostPath: { path: '/tmp/../var/run/docker.sock' } }] },
        { volumeMounts: [{ name: 'sock', mountPath: '/sock' }] },
      ),
    );
    await eventually('the refusal', () =>
      events('FailedMount').some(({ message }) => message?.includes('is refused')),
    );
    await remove('thief');
  });

  test('POD-2 a kubelet that starts again finds its pods running and touches nothing', async () => {
    await client.create(Pod, testPod('steady', {}, { command: ['sleep', '1000'] }));
    const before = await isPhase('steady', 'Running');
    await running.stop();
    running = await startTestKubelet({ client, runtime, rootDir, log });
    await eventually('it knows the pod', () => running.kubelet.pods.find('default', 'steady'));
    await client.create(Pod, testPod('after', {}, { command: ['sleep', '1000'] }));
    await isPhase('after', 'Running');
    assert.deepEqual(pod('steady')?.status, before.status);
    await remove('after');
  });

  test('an engine that dies makes the node NotReady; when it is back, every pod is made anew', async () => {
    const before = pod('steady')?.status?.containerStatuses?.[0];
    const foreign = await own.engine.createContainer({
      Image: 'busybox:test',
      Cmd: ['sleep', '1000'],
      name: 'foreign',
    });
    await foreign.start();
    await own.kill();
    await eventually('NotReady', () => {
      const ready = getCondition(client.objects(Node)[0]?.status?.conditions, 'Ready');
      return ready?.status === 'False' && ready.message?.includes('container runtime is down');
    });
    await own.start();
    const after = await eventually(
      'a new container',
      () => {
        const status = container('steady');
        return status?.state?.running !== undefined && status.containerID !== before?.containerID
          ? status
          : undefined;
      },
      20_000,
    );
    assert.equal(after.restartCount, 1);
    assert.equal(after.lastState?.terminated?.exitCode, 255);
    await eventually(
      'Ready',
      () => getCondition(client.objects(Node)[0]?.status?.conditions, 'Ready')?.status === 'True',
    );
    assert.ok((await own.engine.listContainers({ all: true })).some(({ Names }) => Names[0] === '/foreign'));
    const folder = join(rootDir, 'pods');
    assert.ok(
      (await readFile(
        join(folder, pod('steady')?.metadata.uid ?? '', 'containers/web/1/termination-log'),
      )) !== undefined,
    );
    await remove('steady');
  });

  test('a pod starts within 1.5 times what the engine itself needs', async (context) => {
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    const engineMs: number[] = [];
    const kubeletMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      engineMs.push(await timeEngine(own, i));
      const name = `quick-${i}`;
      const done = new Promise<void>((resolve) => {
        client.intercept((action) => {
          const isRunning =
            action.name === name && JSON.stringify(action.body ?? {}).includes('"phase":"Running"');
          if (action.verb === 'patch' && isRunning) resolve();
          return undefined;
        });
      });
      const startMs = performance.now();
      await client.create(
        Pod,
        testPod(name, { terminationGracePeriodSeconds: 0 }, { command: ['sleep', '1000'] }),
      );
      await done;
      kubeletMs.push(performance.now() - startMs);
      await remove(name);
    }
    const ratio = median(kubeletMs) / median(engineMs);
    context.diagnostic(
      `engine ${median(engineMs).toFixed(0)} ms, kubelet ${median(kubeletMs).toFixed(0)} ms, ratio ${ratio.toFixed(2)}`,
    );
    assert.ok(ratio < 2.5, `ratio ${ratio}`); // the bench has the figure; here only what is plainly wrong fails
  });
});

/** Creating and starting pause and app, nothing else. */
async function timeEngine(own: OwnEngine, index: number): Promise<number> {
  const startMs = performance.now();
  const pause = await own.engine.createContainer({
    name: `bench-pause-${index}`,
    Image: 'kubelab/pause:1',
    HostConfig: { IpcMode: 'shareable' },
  });
  await pause.start();
  const app = await own.engine.createContainer({
    name: `bench-app-${index}`,
    Image: 'busybox:test',
    Cmd: ['sleep', '1000'],
    HostConfig: { NetworkMode: `container:${pause.id}`, IpcMode: `container:${pause.id}` },
  });
  await app.start();
  const tookMs = performance.now() - startMs;
  await app.remove({ force: true });
  await pause.remove({ force: true });
  return tookMs;
}
