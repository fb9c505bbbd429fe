import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { realClock } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { engineSkipReason, importBusybox, type OwnEngine, startOwnEngine } from '../../testing/own-engine.ts';
import type { ContainerConfig, PodSandboxConfig, Runtime, RuntimeEvent } from '../types.ts';
import { dockerRuntime } from './docker-runtime.ts';

const skip = engineSkipReason();
const namespaces = { hostNetwork: false, hostPid: false, hostIpc: false, sharePid: false };

function sandboxConfig(uid: string): PodSandboxConfig {
  return {
    pod: { name: 'web-0', namespace: 'default', uid },
    attempt: 0,
    hostname: 'web-0',
    dns: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] },
    hostAliases: [{ ip: '10.0.0.9', hostnames: ['db'] }],
    namespaces,
    sysctls: {},
  };
}

function containerConfig(
  uid: string,
  command: string[],
  more: Partial<ContainerConfig> = {},
): ContainerConfig {
  return {
    pod: { name: 'web-0', namespace: 'default', uid },
    name: 'web',
    attempt: 0,
    image: 'busybox:test',
    hash: 'abc',
    command,
    args: undefined,
    env: ['A=1'],
    workingDir: undefined,
    mounts: [],
    stdin: false,
    stdinOnce: false,
    tty: false,
    namespaces,
    resources: { oomScoreAdj: 900 },
    security: {
      groups: [],
      capabilitiesAdd: [],
      capabilitiesDrop: [],
      privileged: false,
      readOnlyRootFilesystem: false,
      noNewPrivileges: false,
      seccompUnconfined: false,
    },
    ...more,
  };
}

describe('the Docker runtime on a real engine', { skip: skip ?? false }, () => {
  let own: OwnEngine;
  let runtime: Runtime;
  before(async () => {
    own = await startOwnEngine();
    await importBusybox(own.engine);
    runtime = await dockerRuntime({ endpoint: own.endpoint, nodeName: 'node-1', clock: realClock });
  });
  after(async () => {
    await own?.remove();
  });

  test('a pod is a pause container under upstream names, and apps share its network', async () => {
    const events: RuntimeEvent[] = [];
    const stop = new AbortController();
    const watching = runtime.subscribe((event) => events.push(event), stop.signal);
    const sandbox = await runtime.runPodSandbox(sandboxConfig('u1'));
    assert.match(sandbox.ip, /^10\.251\.0\.\d+$/);
    const script = 'hostname; cat /etc/hosts /etc/resolv.conf; echo oops >&2; sleep 100';
    const id = await runtime.createContainer(sandbox.id, containerConfig('u1', ['sh', '-c', script]));
    await runtime.startContainer(id);
    const names = (await own.engine.listContainers()).flatMap(({ Names }) => Names).sort();
    assert.deepEqual(names, ['/k8s_POD_web-0_default_u1_0', '/k8s_web_web-0_default_u1_0']);
    const record = await runtime.containerStatus(id);
    assert.equal(record.state, 'running');
    assert.equal(record.sandboxId, sandbox.id);
    const text = await eventually('the log', async () => {
      const log = await readLog(runtime, id);
      return log.includes('oops') ? log : undefined;
    });
    assert.match(text, /^web-0$/m); // the two outputs come in any order
    assert.match(text, /10\.0\.0\.9\s+db/);
    assert.match(text, new RegExp(`${sandbox.ip}\\s+web-0`));
    assert.match(text, /nameserver 10\.96\.0\.10/);
    assert.match(text, /search default\.svc\.cluster\.local/);

    await runtime.stopContainer(id, 0);
    await eventually('the death is told', () =>
      events.some((event) => event.type === 'died' && event.id === id),
    );
    const dead = await runtime.containerStatus(id);
    assert.deepEqual([dead.state, dead.exitCode, dead.oomKilled], ['exited', 137, false]);
    await runtime.removeContainer(id);
    await runtime.stopPodSandbox(sandbox.id);
    await runtime.removePodSandbox(sandbox.id);
    assert.deepEqual(await runtime.listPods('u1'), { sandboxes: [], containers: [] });
    stop.abort();
    await watching;
  });

  test('limits are enforced, and a container past its memory says OOMKilled', async () => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig('u2'));
    const id = await runtime.createContainer(
      sandbox.id,
      containerConfig('u2', ['tail', '/dev/zero'], {
        resources: { memoryBytes: 16 * 1024 * 1024, nanoCpus: 500_000_000, cpuShares: 102, oomScoreAdj: 900 },
      }),
    );
    await runtime.startContainer(id);
    const dead = await eventually('the kill', async () => {
      const record = await runtime.containerStatus(id);
      return record.state === 'exited' ? record : undefined;
    });
    assert.deepEqual([dead.exitCode, dead.oomKilled], [137, true]);
    await runtime.removeContainer(id);
    await runtime.removePodSandbox(sandbox.id);
  });

  test('exec takes stdin, gives both outputs apart and the exit code; a timeout is told', async () => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig('u3'));
    const id = await runtime.createContainer(sandbox.id, containerConfig('u3', ['sleep', '100']));
    await runtime.startContainer(id);
    const io = streams();
    const code = runtime.exec(id, ['sh', '-c', 'cat; echo err >&2; exit 7'], false, io);
    io.stdin.end('hello\n');
    assert.equal(await code, 7);
    assert.equal(io.stdout.read()?.toString(), 'hello\n');
    assert.equal(io.stderr.read()?.toString(), 'err\n');
    const tty = streams();
    assert.equal(
      await runtime.exec(id, ['sh', '-c', 'echo tty; ls -l /proc/self/fd/0'], true, {
        ...tty,
        stdin: undefined,
      }),
      0,
    );
    assert.match(tty.stdout.read()?.toString() ?? '', /tty\r\n.*pts/s);
    assert.deepEqual(await runtime.execSync(id, ['sh', '-c', 'echo hi; exit 3'], 5_000), {
      exitCode: 3,
      output: 'hi\n',
      timedOut: false,
    });
    assert.equal((await runtime.execSync(id, ['sleep', '20'], 200)).timedOut, true);
    await runtime.removeContainer(id);
    await runtime.removePodSandbox(sandbox.id);
  });

  test('what cannot start says why, and what is gone is gone without complaint', async () => {
    const sandbox = await runtime.runPodSandbox(sandboxConfig('u4'));
    const id = await runtime.createContainer(sandbox.id, containerConfig('u4', ['/no/such/thing']));
    await assert.rejects(runtime.startContainer(id), {
      reason: /refused|not-found/,
      message: /no such file/,
    });
    const record = await runtime.containerStatus(id);
    assert.equal(record.state, 'exited');
    assert.match(record.error ?? '', /no such file/);
    await runtime.removeContainer(id);
    await runtime.removeContainer(id);
    await runtime.stopContainer(id, 1);
    await runtime.removePodSandbox(sandbox.id);
    assert.equal(await runtime.imageStatus('nothing:here'), undefined);
    assert.match((await runtime.imageStatus('busybox:test'))?.id ?? '', /^sha256:/);
  });
});

function streams() {
  return {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    signal: new AbortController().signal,
    onResize: () => undefined,
  };
}

async function readLog(runtime: Runtime, id: string): Promise<string> {
  const out = new PassThrough();
  const options = { follow: false, timestamps: false, tailLines: undefined, sinceMs: undefined, tty: false };
  await runtime.logs(id, options, { stdout: out, stderr: out }, new AbortController().signal);
  return out.read()?.toString() ?? '';
}
