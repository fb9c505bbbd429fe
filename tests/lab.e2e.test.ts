import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@kubelab/component-base/testing';
import type { Endpoints, EventList, Node, Pod } from './support/objects.ts';
import { execute, installedKubectls, must, reach, TestLab } from './support/lab.ts';
import { findBusybox, TEST_IMAGE, writeTestImage } from './support/test-image.ts';
import { commandOf, labTraces } from './support/traces.ts';

/** One whole lab of the `netns` driver, used as a person would: real kubectl, real containers, real deaths. */
const VERSIONS = ['1.30', '1.31', '1.32', '1.33'];
const kubectls = installedKubectls(VERSIONS);
const busybox = findBusybox();

function unavailable(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for network namespaces';
  if (kubectls.size === 0) return 'no kubectl is installed';
  if (busybox === undefined) return 'no static busybox is installed';
  if (!['/usr/sbin/dockerd', '/usr/bin/dockerd'].some(existsSync)) return 'dockerd is not installed';
  return false;
}

suite('a lab in namespaces', { skip: unavailable(), timeout: 900_000 }, () => {
  const lab = new TestLab('e2e');
  const newest = [...kubectls.values()].at(-1) ?? 'kubectl';
  lab.kubectlPath = newest;

  const pods = async (selector = 'app=web') =>
    (await lab.json<{ items: Pod[] }>(['get', 'pods', '-l', selector])).items;
  const alive = async (selector?: string) =>
    (await pods(selector)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const isReady = ({ status }: Pod) =>
    status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true;
  const nodeReady = async (name: string) => {
    const node = await lab.json<Node>(['get', 'node', name]);
    return node.status.conditions.find(({ type }) => type === 'Ready')?.status === 'True';
  };
  const allReady = (count: number, timeoutMs = 60_000) =>
    eventually(
      `${count} web pods are Ready`,
      async () => {
        const list = await alive();
        return list.length === count && list.every(isReady) ? list : undefined;
      },
      timeoutMs,
      200,
    );
  const inPod = async (pod: string, ...words: string[]) =>
    (await lab.kubectl(['exec', pod, '--', ...words])).stdout.trim();
  const seconds = (t: TestContext, what: string, fromMs: number) => {
    const took = (performance.now() - fromMs) / 1000;
    t.diagnostic(`${what}: ${took.toFixed(1)} s`);
    return took;
  };

  before(() => undefined);
  after(async () => {
    await lab.remove();
  });

  test('kubelab up brings up a lab whose nodes are Ready and whose DNS answers', async (t) => {
    const startMs = performance.now();
    t.diagnostic(await lab.ok(['up', '--driver', 'netns', '--yes'], { timeoutMs: 240_000 }));
    seconds(t, 'lab ready', startMs);
    const { members } = await lab.status();
    assert.equal(members.filter(({ state }) => state === 'running').length, 14);
    assert.equal(members.filter(({ kind, role }) => kind === 'etcd' && role === 'leader').length, 1);
    for (const name of ['node-1', 'node-2', 'node-3']) assert.ok(await nodeReady(name), name);
  });

  test('an image from a tar is known to all nodes', async () => {
    const archive = join(lab.home, 'web.tar');
    await writeTestImage(archive, busybox ?? '');
    assert.match(await lab.ok(['load', archive]), /kubelab-test\/web:1 loaded/);
  });

  test('a deployment runs real containers on every node', async (t) => {
    const startMs = performance.now();
    await lab.kubectlOk(['create', 'deployment', 'web', `--image=${TEST_IMAGE}`, '--replicas=6']);
    const list = await allReady(6);
    seconds(t, 'six pods Ready', startMs);
    assert.equal(new Set(list.map(({ spec }) => spec.nodeName)).size, 3);
    const docker = await lab.ok(['docker', 'node-1', '--', 'ps', '--format', '{{.Names}}']);
    assert.match(docker, /^k8s_web_web-[\w-]+_default_/m);
    assert.match(docker, /^k8s_POD_web-/m);
  });

  for (const [version, path] of kubectls) {
    test(`kubectl ${version} gets, creates, applies, describes, scales, logs, executes and deletes`, async () => {
      const kubectl = async (...words: string[]) =>
        must(
          `kubectl ${words.join(' ')}`,
          await execute(path, ['--kubeconfig', lab.kubeconfig, ...words], { env: { HOME: lab.home } }),
        );
      assert.match(await kubectl('get', 'nodes', '-o', 'wide'), /node-3 +Ready.* docker:\/\//);
      assert.match(await kubectl('get', 'pods', '-o', 'wide'), /NOMINATED NODE/);
      const name = `v${version.replace('.', '-')}`;
      await kubectl('create', 'namespace', name);
      await kubectl('create', 'configmap', 'settings', '--from-literal=colour=blue', '-n', name);
      await kubectl('create', 'deployment', 'one', `--image=${TEST_IMAGE}`, '-n', name);
      await kubectl('rollout', 'status', 'deployment/one', '-n', name, '--timeout=60s');
      await kubectl('expose', 'deployment', 'one', '--port=80', '--target-port=8080', '-n', name);
      await kubectl('scale', 'deployment', 'one', '--replicas=2', '-n', name);
      await kubectl('rollout', 'status', 'deployment/one', '-n', name, '--timeout=60s');
      assert.match(await kubectl('describe', 'node', 'node-1'), /Allocated resources:[\s\S]*cpu/);
      assert.match(await kubectl('get', 'events', '-n', name), /Scheduled|Started/);
      const pod = (await kubectl('get', 'pods', '-n', name, '-o', 'name')).split('\n')[0] ?? '';
      assert.match(
        await kubectl('exec', pod, '-n', name, '--', 'sh', '-c', 'echo hello from $HOSTNAME'),
        /hello from one-/,
      );
      const failing = await execute(path, [
        '--kubeconfig',
        lab.kubeconfig,
        'exec',
        pod,
        '-n',
        name,
        '--',
        'sh',
        '-c',
        'exit 7',
      ]);
      assert.equal(failing.code, 7);
      assert.equal(await kubectl('logs', pod, '-n', name), '');
      await kubectl('delete', 'namespace', name);
      const gone = await execute(path, ['--kubeconfig', lab.kubeconfig, 'get', 'namespace', name]);
      assert.match(
        gone.stderr,
        new RegExp(`Error from server \\(NotFound\\): namespaces "${name}" not found`),
      );
    });
  }

  test('several documents of YAML or JSON are applied, changed and deleted', async () => {
    const manifest = `
apiVersion: v1
kind: ConfigMap
metadata: { name: page }
data: { greeting: hello }
---
apiVersion: v1
kind: Pod
metadata: { name: talker, labels: { app: talker } }
spec:
  containers:
  - name: main
    image: ${TEST_IMAGE}
    command: [sh, -c, 'echo "$GREETING"; cat /etc/page/greeting; echo; exec sleep 3600']
    env: [{ name: GREETING, valueFrom: { configMapKeyRef: { name: page, key: greeting } } }]
    volumeMounts: [{ name: page, mountPath: /etc/page }]
    readinessProbe: { exec: { command: [test, -f, /etc/page/greeting] }, periodSeconds: 1 }
  volumes: [{ name: page, configMap: { name: page } }]
`;
    await lab.kubectlOk(['apply', '-f', '-'], { input: manifest });
    await lab.kubectlOk(['wait', '--for=condition=Ready', 'pod/talker', '--timeout=60s']);
    assert.equal(await lab.kubectlOk(['logs', 'talker']), 'hello\nhello\n');
    assert.match(await lab.kubectlOk(['apply', '-f', '-'], { input: manifest }), /configmap\/page unchanged/);
    assert.match(
      await lab.kubectlOk(['apply', '-f', '-'], { input: manifest.replace('hello', 'goodbye') }),
      /configmap\/page configured/,
    );
    await lab.kubectlOk(['delete', '-f', '-', '--grace-period=1'], { input: manifest });
  });

  test('a wrong manifest gets the status that Kubernetes gives', async () => {
    const bad = await lab.kubectl(['create', '-f', '-'], {
      input: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"Bad_Name"},"spec":{"containers":[]}}',
    });
    assert.equal(bad.code, 1);
    assert.match(bad.stderr, /The Pod "Bad_Name" is invalid/);
    assert.match(bad.stderr, /metadata\.name: Invalid value: "Bad_Name": a lowercase RFC 1123 subdomain/);
    assert.match(bad.stderr, /spec\.containers: Required value/);
    const unknown = await lab.kubectl(['create', '-f', '-'], {
      input: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dataa":{}}',
    });
    assert.match(unknown.stderr, /strict decoding error: unknown field "dataa"/);
  });

  test('a pod reaches a pod on another node by its address, without translation', async () => {
    const list = await alive();
    const [from] = list;
    const to = list.find(({ spec }) => spec.nodeName !== from?.spec.nodeName);
    assert.ok(from && to);
    const answer = await inPod(
      from.metadata.name,
      'wget',
      '-qO-',
      `http://${to.status.podIP}:8080/cgi-bin/who`,
    );
    assert.equal(answer, `${to.metadata.name} ${from.status.podIP}`);
  });

  test('a Service spreads over its ready pods by ClusterIP, by name and by node port, from pods, nodes and the host', async () => {
    await lab.kubectlOk([
      'expose',
      'deployment',
      'web',
      '--port=80',
      '--target-port=8080',
      '--type=NodePort',
    ]);
    const service = await lab.json<{ spec: { clusterIP: string; ports: { nodePort: number }[] } }>([
      'get',
      'service',
      'web',
    ]);
    const names = new Set((await alive()).map(({ metadata }) => metadata.name));
    const [pod] = names;
    await eventually('the Service has endpoints', async () => {
      const endpoints = await lab.json<Endpoints>(['get', 'endpoints', 'web']);
      return (endpoints.subsets?.[0]?.addresses?.length ?? 0) === 6;
    });
    const loop = (url: string) =>
      `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do timeout 3 wget -qO- ${url} | cut -d' ' -f1; done`;
    const fromPod = await eventually('the Service answers by name', async () => {
      const lines = (await inPod(pod ?? '', 'sh', '-c', loop('http://web/cgi-bin/who'))).split('\n');
      return lines.length === 20 ? lines : undefined;
    });
    assert.ok(new Set(fromPod).size > 1 && fromPod.every((name) => names.has(name)), fromPod.join());
    const node = await lab.json<Node>(['get', 'node', 'node-2']);
    const address = node.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? '';
    const fromHost = await fetch(`http://${address}:${service.spec.ports[0]?.nodePort}/cgi-bin/who`);
    assert.ok(names.has((await fromHost.text()).split(' ')[0] ?? ''));
    const fromNode = await execute('nsenter', [
      '--net=/run/netns/kubelab-e2e-node-3',
      'busybox',
      'wget',
      '-qO-',
      `http://${service.spec.clusterIP}/cgi-bin/who`,
    ]);
    assert.ok(names.has(fromNode.stdout.split(' ')[0] ?? ''), fromNode.stderr);
  });

  test('session affinity keeps a client with one pod; a Service without pods refuses at once', async () => {
    const [pod] = (await alive()).map(({ metadata }) => metadata.name);
    await lab.kubectlOk(['patch', 'service', 'web', '-p', '{"spec":{"sessionAffinity":"ClientIP"}}']);
    await eventually('every answer comes from one pod', async () => {
      const answers = await inPod(
        pod ?? '',
        'sh',
        '-c',
        'for i in 1 2 3 4 5 6 7 8 9 10; do wget -qO- http://web/cgi-bin/who; done',
      );
      return new Set(answers.split('\n').map((line) => line.split(' ')[0])).size === 1;
    });
    await lab.kubectlOk(['create', 'service', 'clusterip', 'nobody', '--tcp=80']);
    // The two seconds are counted in the pod: how long kubectl takes to get there is not the point.
    await eventually('the empty Service refuses', async () => {
      const { stderr } = await lab.kubectl([
        'exec',
        pod ?? '',
        '--',
        'timeout',
        '2',
        'wget',
        '-qO-',
        'http://nobody',
      ]);
      return /refused/.test(stderr);
    });
  });

  test('the kubelet killed and back touches no healthy container', async () => {
    const containers = async () =>
      (await lab.ok(['docker', 'node-1', '--', 'ps', '--no-trunc', '--quiet'])).trim().split('\n').toSorted();
    const before = await containers();
    const { stdout } = await execute('ip', ['netns', 'pids', 'kubelab-e2e-node-1']);
    const kubelet = stdout.split('\n').find((pid) => /packages\/kubelet\/src\/main\.ts/.test(commandOf(pid)));
    process.kill(Number(kubelet), 'SIGKILL');
    await delay(3000);
    await eventually('the kubelet is back', () => nodeReady('node-1'), 15_000);
    await lab.kubectlOk(['annotate', 'node', 'node-1', 'seen=again', '--overwrite']);
    assert.deepEqual(await containers(), before);
  });

  test('thirty pods at once make no node NotReady', async (t) => {
    const startMs = performance.now();
    await lab.kubectlOk(['create', 'deployment', 'crowd', `--image=${TEST_IMAGE}`, '--replicas=30']);
    await eventually(
      'thirty pods are Ready',
      async () => {
        for (const name of ['node-1', 'node-2', 'node-3'])
          assert.ok(await nodeReady(name), `${name} is NotReady`);
        return (await alive('app=crowd')).filter(isReady).length === 30;
      },
      60_000,
      250,
    );
    seconds(t, 'thirty pods Ready', startMs);
    const events = await lab.json<EventList>(['get', 'events', '-A']);
    assert.ok(!events.items.some(({ reason }) => reason === 'NodeNotReady'));
    await lab.kubectlOk(['delete', 'deployment', 'crowd']);
    await eventually('they are gone', async () => (await pods('app=crowd')).length === 0, 60_000, 250);
  });

  test('kubectl watches, follows a log and gives a terminal', async () => {
    await lab.kubectlOk([
      'run',
      'ticker',
      `--image=${TEST_IMAGE}`,
      '--command',
      '--',
      'sh',
      '-c',
      'trap "exit 0" TERM; i=0; while :; do echo tick $i; i=$((i+1)); sleep 1 & wait $!; done',
    ]);
    await lab.kubectlOk(['wait', '--for=condition=Ready', 'pod/ticker', '--timeout=30s']);
    const followed = await lab.kubectl(['logs', '-f', 'ticker'], { timeoutMs: 3500 });
    assert.match(followed.stdout, /tick 0\ntick 1\ntick 2/);
    const watching = lab.kubectl(['get', 'pods', '-l', 'run=ticker', '-w', '--no-headers'], {
      timeoutMs: 5000,
    });
    await delay(1000);
    await lab.kubectlOk(['delete', 'pod', 'ticker', '--wait=false']);
    assert.match(
      (await watching).stdout,
      /ticker +1\/1 +Running[\s\S]*ticker +\d\/1 +(Terminating|Completed)/,
    );
    const [pod] = await alive();
    const terminal = await execute('script', [
      '-qec',
      `${lab.kubectlPath} --kubeconfig ${lab.kubeconfig} exec -it ${pod?.metadata.name} -- sh -c "tty; stty size"`,
      '/dev/null',
    ]);
    assert.match(terminal.stdout, /\/dev\/(pts\/\d+|console)/);
  });

  test('a killed node is NotReady in about 4 s and its pods run elsewhere within 10 s', async (t) => {
    const before = await allReady(6);
    const lost = before.filter(({ spec }) => spec.nodeName === 'node-2').map(({ metadata }) => metadata.name);
    assert.ok(lost.length > 0);
    const startMs = performance.now();
    await lab.ok(['kill', 'node-2']);
    await eventually('node-2 is not Ready', async () => !(await nodeReady('node-2')), 15_000, 100);
    const notReady = seconds(t, 'node NotReady', startMs);
    await eventually(
      'six pods are Ready on the other nodes',
      async () => {
        const list = (await alive()).filter((pod) => pod.spec.nodeName !== 'node-2');
        return list.length === 6 && list.every(isReady);
      },
      30_000,
      100,
    );
    const healed = seconds(t, 'all pods replaced and Ready', startMs);
    reach(t, 'NotReady', notReady, 4.5);
    reach(t, 'healed', healed, 10);
    const endpoints = await lab.json<Endpoints>(['get', 'endpoints', 'web']);
    const targets =
      endpoints.subsets?.flatMap(
        ({ addresses }) => addresses?.map(({ targetRef }) => targetRef?.name) ?? [],
      ) ?? [];
    assert.ok(!targets.some((name) => lost.includes(name ?? '')), 'endpoints name no dead pod');
  });

  test('a started node comes back clean and Ready', async (t) => {
    const startMs = performance.now();
    await lab.ok(['start', 'node-2']);
    await eventually('node-2 is Ready', () => nodeReady('node-2'), 30_000, 100);
    seconds(t, 'node back', startMs);
    await eventually(
      'no pod of the old life is left',
      async () => (await pods()).every(({ metadata }) => metadata.deletionTimestamp === undefined),
      30_000,
    );
    const node = await lab.json<Node & { spec: { taints?: unknown[] } }>(['get', 'node', 'node-2']);
    assert.equal(node.spec.taints, undefined);
  });

  test('with the store leader killed writes resume within 2 s and no acknowledged write is lost', async (t) => {
    const acknowledged: string[] = [];
    const gaps: number[] = [];
    let isWriting = true;
    const writer = (async () => {
      for (let i = 0; isWriting; i++) {
        const startMs = performance.now();
        const name = `write-${i}`;
        const body = JSON.stringify({
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name, labels: { test: 'writes' } },
        });
        const { code } = await lab.kubectl(['create', '--validate=false', '-f', '-'], { input: body });
        if (code === 0) acknowledged.push(name);
        gaps.push(performance.now() - startMs);
      }
    })();
    await delay(1500);
    const leader =
      (await lab.status()).members.find(({ kind, role }) => kind === 'etcd' && role === 'leader')?.name ?? '';
    const count = acknowledged.length;
    const startMs = performance.now();
    await lab.ok(['kill', leader]);
    await eventually('writes go on', () => acknowledged.length > count + 1, 20_000, 20);
    seconds(t, 'leader killed to next acknowledged writes (with kubectl start-up)', startMs);
    await delay(1000);
    isWriting = false;
    await writer;
    t.diagnostic(`longest write: ${(Math.max(...gaps) / 1000).toFixed(2)} s of ${gaps.length}`);
    reach(t, 'longest write', Math.max(...gaps) / 1000, 2);
    const stored = await lab.json<{ items: { metadata: { name: string } }[] }>([
      'get',
      'configmaps',
      '-l',
      'test=writes',
    ]);
    const names = new Set(stored.items.map(({ metadata }) => metadata.name));
    assert.deepEqual(
      acknowledged.filter((name) => !names.has(name)),
      [],
    );
    await lab.ok(['start', leader]);
    await eventually('the old leader follows', async () => {
      const { members } = await lab.status();
      return members.find(({ name }) => name === leader)?.role === 'follower';
    });
  });

  for (const kind of ['apiserver', 'scheduler', 'controller-manager']) {
    test(`with a ${kind} killed the cluster keeps working`, async () => {
      const { members } = await lab.status();
      const victim =
        members.find((member) => member.kind === kind && member.role === 'leader') ??
        members.find((member) => member.kind === kind);
      await lab.ok(['kill', victim?.name ?? '']);
      await lab.kubectlOk(['scale', 'deployment', 'web', '--replicas=7']);
      await allReady(7, 20_000);
      await lab.kubectlOk(['scale', 'deployment', 'web', '--replicas=6']);
      await allReady(6, 20_000);
      await lab.ok(['start', victim?.name ?? '']);
    });
  }

  test('a member that crashes by itself comes back by itself', async () => {
    const scheduler = (await lab.status()).members.find(({ name }) => name === 'scheduler-2');
    process.kill(scheduler?.pid ?? 0, 'SIGKILL');
    await eventually('it runs again under another pid', async () => {
      const now = (await lab.status()).members.find(({ name }) => name === 'scheduler-2');
      return now?.state === 'running' && now.pid !== scheduler?.pid;
    });
  });

  test('etcdctl reads and writes the store with the certificate that kubelab env names', async () => {
    const env = Object.fromEntries(
      (await lab.ok(['env'])).split('\n').flatMap((line) => {
        const match = /^export (\w+)=(.*)$/.exec(line);
        return match === null ? [] : [[match[1] ?? '', match[2] ?? '']];
      }),
    );
    const etcdctl = async (words: readonly string[], input?: string) =>
      must(
        `etcdctl ${words.join(' ')}`,
        await execute('etcdctl', words, { env, ...(input === undefined ? {} : { input }) }),
      );
    const keys = await etcdctl(['get', '/registry', '--prefix', '--keys-only']);
    assert.match(keys, /^\/registry\/pods\/default\/web-/m);
    assert.match(keys, /^\/registry\/minions\/node-1$/m);
    const pod = (await alive())[0]?.metadata.name;
    assert.match(
      await etcdctl(['get', `/registry/pods/default/${pod}`, '--print-value-only']),
      /"kind":"Pod"/,
    );
    assert.equal(await etcdctl(['put', 'k', 'v']), 'OK\n');
    assert.match(await etcdctl(['txn'], 'value("k") = "v"\n\nput k w\n\nget k\n\n'), /SUCCESS/);
    assert.match(await etcdctl(['lease', 'grant', '60']), /granted with TTL\(60s\)/);
    assert.equal((await etcdctl(['endpoint', 'status'])).trim().split('\n').length, 3);
    assert.match(await etcdctl(['member', 'list']), /started, etcd-1, https/);
  });

  test('more nodes are added to a running lab', async () => {
    await lab.ok(['up', '--nodes', '4'], { timeoutMs: 120_000 });
    assert.ok(await nodeReady('node-4'));
  });

  test('stop and start bring the same cluster back', async (t) => {
    const uids = new Set(
      (await lab.json<{ items: Pod[] }>(['get', 'deployments'])).items.map(({ metadata }) => metadata.uid),
    );
    const podUids = (await allReady(6)).map(({ metadata }) => metadata.uid);
    await lab.ok(['stop'], { timeoutMs: 120_000 });
    assert.ok((await lab.status()).members.every(({ state }) => state === 'down'));
    await delay(5000);
    const startMs = performance.now();
    await lab.ok(['start'], { timeoutMs: 240_000 });
    const after = await allReady(6, 90_000);
    seconds(t, 'whole lab back', startMs);
    assert.deepEqual(
      new Set(
        (await lab.json<{ items: Pod[] }>(['get', 'deployments'])).items.map(({ metadata }) => metadata.uid),
      ),
      uids,
    );
    assert.deepEqual(
      after.map(({ metadata }) => metadata.uid).toSorted(),
      podUids.toSorted(),
      'nothing was evicted',
    );
    const events = await lab.json<EventList>(['get', 'events', '-A']);
    t.diagnostic(`${events.items.length} events kept`);
    const [pod] = after;
    await eventually(
      'the Service answers again',
      async () =>
        (await inPod(pod?.metadata.name ?? '', 'timeout', '3', 'wget', '-qO-', 'http://web/cgi-bin/who')) !==
        '',
    );
  });

  test('kubelab down leaves nothing behind', async () => {
    assert.notDeepEqual(await labTraces('e2e'), []);
    await lab.ok(['down'], { timeoutMs: 120_000 });
    assert.deepEqual(await labTraces('e2e'), []);
    assert.ok(!existsSync(lab.folder));
    assert.equal(await readFile('/proc/sys/net/ipv4/ip_forward', 'utf8'), '1\n');
  });
});
