import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { eventually } from '@kubelab/component-base/testing';
import { installedKubectls, TestLab } from './support/lab.ts';
import type { Pod } from './support/objects.ts';
import { labTraces } from './support/traces.ts';

/** A lab without containers: needs nothing but Node. Here the command line is tried for what can go wrong. */
const kubectl = [...installedKubectls(['1.33', '1.32', '1.31', '1.30']).values()][0];

suite('a hollow lab', { timeout: 300_000 }, () => {
  const lab = new TestLab('hollow');
  lab.kubectlPath = kubectl ?? 'kubectl';
  const port = 20_000 + (process.pid % 10_000);
  after(() => lab.remove());
  const state = async (member: string) =>
    (await lab.status()).members.find(({ name }) => name === member)?.state;

  test('wrong words exit with 2 and a hint', async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [['upp'], /did you mean "up"\?/],
      [['up', '--nods', '3'], /unknown flag: --nods[\s\S]*did you mean --nodes\?/],
      [['up', '--nodes', '0'], /whole number from 1 to/],
      [['up', '--driver', 'vm'], /docker, netns or hollow/],
      [['kill'], /an argument is missing/],
      [['status'], /no lab "hollow"/],
      [['etcd-lite', '--data-dri', 'x'], /not defined: -data-dri \(did you mean --data-dir\?\)/],
    ];
    for (const [words, message] of cases) {
      const outcome =
        words[0] === 'etcd-lite' || words[0] === 'upp' ? await lab.bare(words) : await lab.kubelab(words);
      assert.equal(outcome.code, 2, `${words.join(' ')}: ${outcome.stderr}`);
      assert.match(outcome.stderr, message);
    }
  });

  test('every process explains its flags', async () => {
    for (const component of [
      'etcd-lite',
      'apiserver',
      'scheduler',
      'controller-manager',
      'kubelet',
      'kube-proxy',
      'dns',
      'lb',
    ]) {
      const { code, stdout } = await lab.bare([component, '--help']);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Usage: kubelab ${component} \\[flags\\]`));
    }
  });

  test('up brings it up, with the API also on a port without credentials', async (t) => {
    const startMs = performance.now();
    await lab.ok(['up', '--driver', 'hollow', '--insecure-port', String(port)]);
    t.diagnostic(`lab ready: ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
    const answer = (await (await fetch(`http://127.0.0.1:${port}/api/v1/nodes`)).json()) as {
      items: unknown[];
    };
    assert.equal(answer.items.length, 3);
    const page = await fetch(`http://127.0.0.1:${port}/api/v1/nodes`, {
      headers: { origin: 'http://evil.example' },
    });
    assert.equal(page.status, 403);
  });

  test('pods run, hollow', { skip: kubectl === undefined ? 'no kubectl is installed' : false }, async () => {
    await lab.kubectlOk(['create', 'deployment', 'web', '--image=nothing:1', '--replicas=6']);
    await lab.kubectlOk(['rollout', 'status', 'deployment/web', '--timeout=30s']);
    const { items } = await lab.json<{ items: Pod[] }>(['get', 'pods']);
    assert.equal(new Set(items.map(({ spec }) => spec.nodeName)).size, 3);
  });

  test('a paused member answers nothing and goes on when it is resumed', async () => {
    await lab.ok(['pause', 'etcd-1']);
    assert.equal(await state('etcd-1'), 'paused');
    await lab.ok(['resume', 'etcd-1']);
    await eventually(
      'it has a role again',
      async () => (await lab.status()).members.find(({ name }) => name === 'etcd-1')?.role !== undefined,
    );
  });

  test('a killed member stays down until it is started', async () => {
    await lab.ok(['kill', 'scheduler-1']);
    await lab.ok(['kill', 'scheduler-1']);
    assert.equal(await state('scheduler-1'), 'down');
    await lab.ok(['start', 'scheduler-1']);
    assert.equal(await state('scheduler-1'), 'running');
    const unknown = await lab.kubelab(['kill', 'scheduler-9']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no member "scheduler-9"[\s\S]*did you mean scheduler-/);
  });

  test('a member of the store that has lost its data comes back as a learner, and soon has a vote again', async () => {
    const member = async (name: string) => (await lab.status()).members.find((each) => each.name === name);
    const write = async (name: string): Promise<void> => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/namespaces/default/configmaps`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }),
      });
      assert.equal(answer.status, 201, await answer.text());
    };
    await lab.ok(['kill', 'etcd-2']);
    await write('without-etcd-2');
    await rm(join(lab.folder, 'data', 'etcd-2'), { recursive: true });
    await lab.ok(['start', 'etcd-2']);
    const logs = ['etcd-1', 'etcd-3'].map((name) => join(lab.folder, 'logs', `${name}.log`));
    const said = async (text: string): Promise<boolean> =>
      (await Promise.all(logs.map((log) => readFile(log, 'utf8')))).some((log) => log.includes(text));
    await eventually(
      'its old id is gone',
      () => said('a member has lost its data: it gets a new id'),
      20_000,
    );
    await eventually('it is promoted', () => said('promoting a learner that keeps up'), 20_000);
    await eventually('it has a role', async () => {
      const { role } = (await member('etcd-2')) ?? {};
      return role === 'follower' || role === 'leader';
    });
    // Two of three: nothing could be written if etcd-2 did not vote.
    await lab.ok(['kill', 'etcd-1']);
    await eventually(
      'one of the two leads',
      async () => [(await member('etcd-2'))?.role, (await member('etcd-3'))?.role].includes('leader'),
      20_000,
    );
    await write('with-etcd-2');
    await lab.ok(['start', 'etcd-1']);
    await eventually('etcd-1 is back', async () => (await member('etcd-1'))?.role !== undefined, 20_000);
  });

  test('a killed node is replaced by the others, and takes its kubelet along', {
    skip: kubectl === undefined ? 'no kubectl is installed' : false,
  }, async () => {
    await lab.ok(['kill', 'node-2']);
    await eventually(
      'six pods are Ready elsewhere',
      async () => {
        const { items } = await lab.json<{ items: Pod[] }>(['get', 'pods']);
        const ready = items.filter(
          ({ spec, status }) =>
            spec.nodeName !== 'node-2' &&
            status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
        );
        return ready.length === 6;
      },
      20_000,
    );
    assert.deepEqual(
      (await labTraces('hollow')).filter((trace) => trace.includes('/members/node-2/')),
      [],
    );
    await lab.ok(['start', 'node-2']);
    await lab.kubectlOk(['wait', '--for=condition=Ready', 'node/node-2', '--timeout=20s']);
  });

  test('status shows members, nodes and pods, also live', async () => {
    const text = await lab.ok(['status']);
    assert.match(text, /etcd-\d +running +leader +term \d+ +index \d+/);
    assert.match(text, /node-1 +Ready/);
    const live = await lab.kubelab(['status', '--watch'], { timeoutMs: 3000 });
    assert.ok(live.stdout.split('\x1b[H').length > 2);
  });

  test('with its supervisor killed the lab says so, and start repairs it', async () => {
    const supervisor = (await labTraces('hollow')).find((trace) => trace.includes('supervisor/main.ts'));
    process.kill(Number(/process (\d+)/.exec(supervisor ?? '')?.[1]), 'SIGKILL');
    const refused = await lab.kubelab(['kill', 'etcd-1']);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /the supervisor of lab "hollow" does not run: "kubelab start --name hollow"/,
    );
    await lab.ok(['start'], { timeoutMs: 120_000 });
    assert.ok((await lab.status()).members.every(({ state: each }) => each === 'running'));
  });

  test('a port that somebody else has taken is named, with a way out', async () => {
    await lab.ok(['stop'], { timeoutMs: 60_000 });
    const config = JSON.parse(await readFile(lab.kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string } }[];
    };
    const taken = Number(new URL(config.clusters[0]?.cluster.server ?? '').port);
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(taken, '127.0.0.1', resolve));
    const refused = await lab.kubelab(['start']);
    await new Promise((resolve) => squatter.close(resolve));
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      new RegExp(`port ${taken} on 127.0.0.1, which lb-1 of this lab needs, is in use`),
    );
  });

  test('a damaged state is recognised, and down clears it away', async () => {
    await writeFile(join(lab.folder, 'lab.json'), '{"version":1');
    const refused = await lab.kubelab(['up']);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /lab\.json is damaged or of another version: run "kubelab down --name hollow"/,
    );
    await lab.ok(['down']);
    assert.ok(!existsSync(lab.folder));
    assert.deepEqual(await labTraces('hollow'), []);
  });
});
