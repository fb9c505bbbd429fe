import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { engineUnavailable, startEngine } from './support/engine.ts';
import { execute, installedKubectls, must, reach, ROOT } from './support/lab.ts';
import type { Node, Pod } from './support/objects.ts';
import { findBusybox, TEST_IMAGE, writeTestImage } from './support/test-image.ts';

/** One run of `docker-compose.yml`, with whichever Compose is installed. */
const PROJECT = 'kubelabtest';
/** What the file publishes of the store; it cannot look for free ones. */
const STORE_PORTS = [12_379, 12_380, 12_381];
const kubectlPath = [...installedKubectls(['1.30', '1.31', '1.32', '1.33']).values()].at(-1);
const busybox = findBusybox();

/** `COMPOSE="docker compose"` names another one than the first that is found. */
async function findCompose(): Promise<readonly string[] | undefined> {
  const given = process.env.COMPOSE?.split(' ');
  for (const words of given === undefined ? [['docker-compose'], ['docker', 'compose']] : [given]) {
    const [command = '', ...args] = words;
    const found = await execute(command, [...args, 'version']).catch(() => undefined);
    if (found?.code === 0) return words;
  }
  return undefined;
}

/** 0: any. The port that was free just now; undefined when the one asked for is not. */
function freePort(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen(port, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => done(free));
    });
  });
}

const compose = await findCompose();

async function unavailable(): Promise<string | false> {
  if (kubectlPath === undefined) return 'no kubectl is installed';
  if (busybox === undefined) return 'no static busybox is installed';
  if (compose === undefined) return 'neither docker-compose nor docker compose is installed';
  for (const port of STORE_PORTS) {
    if ((await freePort(port)) === undefined) return `port ${port} of docker-compose.yml is in use`;
  }
  return engineUnavailable();
}

suite('docker-compose.yml', { skip: await unavailable(), timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubelab-compose-'));
  const kubeconfig = join(folder, 'lab/kubeconfig');
  let stopEngine = () => Promise.resolve();
  let apiPort = 0;

  const run = async (command: string, args: readonly string[]) => {
    const socket = (process.env.DOCKER_HOST ?? '').replace('unix://', '');
    const env = {
      HOME: folder,
      KUBELAB_PORT: String(apiPort),
      ...(socket === '' ? {} : { DOCKER_SOCKET: socket }),
    };
    return must(`${command} ${args.join(' ')}`, await execute(command, args, { env, timeoutMs: 300_000 }));
  };
  const composed = (...words: string[]) => {
    const [command = '', ...args] = compose ?? [];
    return run(command, [...args, '-p', PROJECT, '-f', join(folder, 'docker-compose.yml'), ...words]);
  };
  const kubectl = (...words: string[]) => run(kubectlPath ?? '', ['--kubeconfig', kubeconfig, ...words]);
  const list = async <T>(what: string) =>
    (JSON.parse(await kubectl('get', what, '-o', 'json')) as { items: T[] }).items;
  const seconds = (t: TestContext, what: string, fromMs: number) => {
    const took = (performance.now() - fromMs) / 1000;
    t.diagnostic(`${what}: ${took.toFixed(1)} s`);
    return took;
  };
  const isTrue = (type: string, { status }: Node | Pod) =>
    status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
  const readyPods = (count: number, timeoutMs: number, not?: string) =>
    eventually(
      `${count} pods are Ready`,
      async () => {
        const pods = (await list<Pod>('pods')).filter(
          ({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec.nodeName !== not,
        );
        return pods.length === count && pods.every((pod) => isTrue('Ready', pod)) ? pods : undefined;
      },
      timeoutMs,
      200,
    );
  const nodesReady = (count: number) =>
    eventually(
      `${count} nodes are Ready`,
      async () => (await list<Node>('nodes')).filter((node) => isTrue('Ready', node)).length === count,
      120_000,
      200,
    );

  before(async () => {
    stopEngine = await startEngine();
    apiPort = (await freePort(0)) ?? 0;
    await run(process.execPath, [join(ROOT, 'images/build.ts')]);
    // In a folder of its own: the file's paths are relative to it.
    copyFileSync(join(ROOT, 'docker-compose.yml'), join(folder, 'docker-compose.yml'));
    await writeTestImage(join(folder, 'web.tar'), busybox ?? '');
    await run('docker', ['load', '--input', join(folder, 'web.tar')]);
  });
  after(async () => {
    await composed('down', '-v').catch(() => undefined);
    await execute('docker', ['rmi', TEST_IMAGE]);
    await stopEngine();
    await rm(folder, { recursive: true, force: true });
  });

  test('up brings three nodes that the kubeconfig in ./lab reaches', async (t) => {
    const startMs = performance.now();
    await composed('up', '-d');
    await nodesReady(3);
    seconds(t, `${compose?.join(' ')} up to nodes Ready`, startMs);
  });

  test("a deployment runs on an image of the host's engine", async (t) => {
    const startMs = performance.now();
    await kubectl('create', 'deployment', 'web', `--image=${TEST_IMAGE}`, '--replicas=3');
    await readyPods(3, 60_000);
    seconds(t, 'three pods Ready', startMs);
  });

  test('a killed node container heals within 10 s, and comes back', async (t) => {
    const startMs = performance.now();
    await composed('kill', 'node-2');
    await eventually(
      'node-2 is not Ready',
      async () => !(await list<Node>('nodes')).every((node) => isTrue('Ready', node)),
      15_000,
      100,
    );
    await readyPods(3, 30_000, 'node-2');
    const healed = seconds(t, 'all pods on other nodes', startMs);
    reach(t, 'healed', healed, 10);
    await composed('start', 'node-2');
    await nodesReady(3);
  });

  test('down -v leaves no container, network or volume', async (t) => {
    const startMs = performance.now();
    await composed('down', '-v');
    seconds(t, 'down', startMs);
    const filter = `label=com.docker.compose.project=${PROJECT}`;
    for (const words of [
      ['ps', '--all'],
      ['network', 'ls'],
      ['volume', 'ls'],
    ])
      assert.equal(await run('docker', [...words, '--quiet', '--filter', filter]), '');
  });
});
