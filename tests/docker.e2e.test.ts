import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { engineUnavailable, startEngine } from './support/engine.ts';
import { execute, installedKubectls, must, reach, TestLab } from './support/lab.ts';
import type { Node, Pod } from './support/objects.ts';
import { findBusybox, TEST_IMAGE, writeTestImage } from './support/test-image.ts';

/** A small lab of the `docker` driver: members are containers, nodes have engines of their own inside. */
const kubectl = [...installedKubectls(['1.30', '1.31', '1.32', '1.33']).values()].at(-1);
const busybox = findBusybox();

async function unavailable(): Promise<string | false> {
  if (kubectl === undefined) return 'no kubectl is installed';
  if (busybox === undefined) return 'no static busybox is installed';
  return engineUnavailable();
}

suite('a lab of containers', { skip: await unavailable(), timeout: 600_000 }, () => {
  const lab = new TestLab('dockertest');
  lab.kubectlPath = kubectl ?? '';
  let stopEngine = () => Promise.resolve();
  let volumesBefore: string[] = [];

  const docker = async (...words: string[]) => must(`docker ${words[0]}`, await execute('docker', words));
  const lines = async (...words: string[]) => (await docker(...words)).split('\n').filter(Boolean);
  const seconds = (t: TestContext, what: string, fromMs: number) => {
    const took = (performance.now() - fromMs) / 1000;
    t.diagnostic(`${what}: ${took.toFixed(1)} s`);
    return took;
  };
  const stateOf = async (member: string) =>
    (await lab.status()).members.find(({ name }) => name === member)?.state;
  const nodeReady = async (name: string) => {
    const node = await lab.json<Node>(['get', 'node', name]);
    return node.status.conditions.find(({ type }) => type === 'Ready')?.status === 'True';
  };
  const addresses = async () => {
    const { items } = await lab.json<{ items: Node[] }>(['get', 'nodes']);
    return items.map(({ status }) => status.addresses.find(({ type }) => type === 'InternalIP')?.address);
  };
  const isReady = ({ status }: Pod) =>
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  const readyPods = (count: number, where: (pod: Pod) => boolean = () => true) =>
    eventually(
      `${count} pods are Ready`,
      async () => {
        const { items } = await lab.json<{ items: Pod[] }>(['get', 'pods', '-l', 'app=web']);
        const alive = items.filter((pod) => pod.metadata.deletionTimestamp === undefined && where(pod));
        return alive.length === count && alive.every(isReady) ? alive : undefined;
      },
      60_000,
      200,
    );
  const fromPod = async (pod: Pod | undefined, url: string) =>
    (
      await lab.kubectl(['exec', pod?.metadata.name ?? '', '--', 'timeout', '3', 'wget', '-qO-', url])
    ).stdout.trim();

  before(async () => {
    stopEngine = await startEngine();
    volumesBefore = await lines('volume', 'ls', '--quiet');
  });
  after(async () => {
    await lab.remove();
    await stopEngine();
  });

  test('kubelab up builds the image and starts a container for each member', async (t) => {
    const words = ['up', '--driver', 'docker', '--nodes', '2', '--apiservers', '1'];
    const buildMs = performance.now();
    t.diagnostic(await lab.ok(words, { timeoutMs: 300_000 }));
    seconds(t, 'image and lab', buildMs);
    const names = await lines('ps', '--filter', 'label=kubelab.lab=dockertest', '--format', '{{.Names}}');
    const { members } = await lab.status();
    assert.equal(members.length, 10);
    assert.deepEqual(names.toSorted(), members.map(({ name }) => `dockertest-${name}`).toSorted());
    for (const member of members) {
      assert.equal(member.state, 'running');
      assert.equal(member.container, `dockertest-${member.name}`);
    }
    for (const name of ['node-1', 'node-2']) assert.ok(await nodeReady(name), name);
  });

  test('a deployment runs in the engines of the nodes and is reached by address and by name', async (t) => {
    const archive = join(lab.home, 'web.tar');
    await writeTestImage(archive, busybox ?? '');
    assert.match(await lab.ok(['load', archive]), /kubelab-test\/web:1 loaded/);
    const startMs = performance.now();
    await lab.kubectlOk(['create', 'deployment', 'web', `--image=${TEST_IMAGE}`, '--replicas=4']);
    await lab.kubectlOk(['expose', 'deployment', 'web', '--port=80', '--target-port=8080']);
    const pods = await readyPods(4);
    seconds(t, 'four pods Ready', startMs);
    assert.equal(new Set(pods.map(({ spec }) => spec.nodeName)).size, 2);
    assert.match(await lab.ok(['docker', 'node-2', '--', 'ps', '--format', '{{.Names}}']), /^k8s_web_web-/m);
    const [from] = pods;
    const to = pods.find(({ spec }) => spec.nodeName !== from?.spec.nodeName);
    const answer = await fromPod(from, `http://${to?.status.podIP}:8080/cgi-bin/who`);
    assert.equal(answer, `${to?.metadata.name} ${from?.status.podIP}`);
    await eventually(
      'the Service answers by name',
      async () => (await fromPod(from, 'http://web/cgi-bin/who')) !== '',
    );
  });

  test('a paused member stands still until it is resumed', async () => {
    await lab.ok(['pause', 'scheduler-1']);
    assert.equal(await stateOf('scheduler-1'), 'paused');
    await lab.ok(['resume', 'scheduler-1']);
    assert.equal(await stateOf('scheduler-1'), 'running');
  });

  test('a member that crashes is started again by the engine, one that was killed stays down', async () => {
    const crash = ['exec', 'dockertest-node-1', 'sh', '-c', 'kill -9 $(pidof node)'];
    const startedAt = () => docker('inspect', '--format', '{{.State.StartedAt}}', 'dockertest-node-1');
    const before = await startedAt();
    await execute('docker', crash);
    await eventually('node-1 runs again', async () => (await startedAt()) !== before, 20_000);
    await lab.ok(['kill', 'scheduler-1']);
    assert.equal(await stateOf('scheduler-1'), 'down');
    await lab.ok(['start', 'scheduler-1']);
    assert.equal(await stateOf('scheduler-1'), 'running');
    await eventually('node-1 is Ready', () => nodeReady('node-1'), 30_000);
    await readyPods(4);
  });

  test('docker kill of a node moves its pods within 10 s, and start brings it back clean', async (t) => {
    const startMs = performance.now();
    await docker('kill', 'dockertest-node-2');
    await eventually('node-2 is not Ready', async () => !(await nodeReady('node-2')), 15_000, 100);
    seconds(t, 'node NotReady', startMs);
    await readyPods(4, ({ spec }) => spec.nodeName === 'node-1');
    const healed = seconds(t, 'all pods on the other node', startMs);
    reach(t, 'healed', healed, 10);
    assert.equal(await stateOf('node-2'), 'down');
    const backMs = performance.now();
    await lab.ok(['start', 'node-2']);
    await eventually('node-2 is Ready', () => nodeReady('node-2'), 30_000, 100);
    seconds(t, 'node back', backMs);
  });

  test('up makes good what was removed by hand', async () => {
    await docker('rm', '--force', 'dockertest-lb-1', 'dockertest-controller-manager-1');
    await lab.ok(['up', '--nodes', '2', '--apiservers', '1'], { timeoutMs: 240_000 });
    assert.ok((await lab.status()).members.every(({ state }) => state === 'running'));
  });

  test('stop and start bring the same cluster back although every address has changed', async (t) => {
    const pods = new Set((await readyPods(4)).map(({ metadata }) => metadata.uid));
    const before = await addresses();
    await lab.ok(['stop'], { timeoutMs: 120_000 });
    // Two that take the first addresses while the lab is down.
    const [image = ''] = await lines('images', '--format', '{{.Repository}}:{{.Tag}}', 'kubelab');
    const squat = ['--detach', '--rm', '--network', 'kubelab-dockertest', '--entrypoint', 'sleep', image];
    const squatters = [await docker('run', ...squat, '600'), await docker('run', ...squat, '600')];
    const startMs = performance.now();
    await lab.ok(['start'], { timeoutMs: 240_000 });
    const after = await readyPods(4);
    seconds(t, 'whole lab back', startMs);
    await docker('rm', '--force', ...squatters.map((id) => id.trim()));
    assert.ok(!(await addresses()).every((address, i) => address === before[i]), 'addresses are others');
    assert.deepEqual(new Set(after.map(({ metadata }) => metadata.uid)), pods);
    const [from] = after;
    const to = after.find(({ spec }) => spec.nodeName !== from?.spec.nodeName) ?? from;
    await eventually(
      'pods reach each other again',
      async () => (await fromPod(from, `http://${to?.status.podIP}:8080/cgi-bin/who`)) !== '',
    );
    await eventually(
      'the Service answers',
      async () => (await fromPod(from, 'http://web/cgi-bin/who')) !== '',
    );
  });

  test('kubelab down leaves no container, network or volume', async () => {
    await lab.ok(['down'], { timeoutMs: 120_000 });
    assert.deepEqual(await lines('ps', '--all', '--quiet', '--filter', 'label=kubelab.lab=dockertest'), []);
    assert.deepEqual(await lines('network', 'ls', '--quiet', '--filter', 'name=kubelab-dockertest'), []);
    assert.deepEqual(await lines('volume', 'ls', '--quiet'), volumesBefore);
    assert.ok(!existsSync(lab.folder));
  });
});
