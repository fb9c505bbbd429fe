import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { findMember, planLab } from '../../core/plan.ts';
import { CommandError } from '../run.ts';
import { type ContainerContext, containerSpec } from './containers.ts';
import { explain } from './engine.ts';

const plan = planLab(
  {
    name: 'lab',
    driver: 'docker',
    timings: 'lab',
    nodes: 1,
    etcd: 1,
    apiservers: 1,
    nodeCpu: '500m',
    nodeMemory: '2Gi',
  },
  { port: () => 40_000, apiPort: () => 6443, subnet: () => 1 },
);

const context: ContainerContext = {
  image: 'kubelab:1',
  labels: ['kubelab.lab=lab', 'kubelab.id=1'],
  config: (member) => `/labs/lab/members/${member}`,
  images: '/labs/lab/images',
  socket: '/var/run/docker.sock',
};

function spec(name: string, change: Partial<ContainerContext> = {}) {
  const member = findMember(plan, name);
  assert.ok(member, name);
  return containerSpec(plan, member, { ...context, ...change });
}

suite('containers of a lab', () => {
  test('every container carries the labels by which it is found again, and listens on loopback only', () => {
    for (const { name } of plan.members) {
      const text = spec(name).words.join(' ');
      for (const label of [...context.labels, `kubelab.member=${name}`])
        assert.ok(text.includes(`--label ${label}`), name);
      for (const [, published] of text.matchAll(/--publish (\S+)/g))
        assert.match(published ?? '', /^127\.0\.0\.1:/);
    }
  });

  test('a node gets what it declares and no more rights than an engine inside needs', () => {
    const text = spec('node-1').words.join(' ');
    assert.match(text, /--cpu-period 100000 --cpu-quota 50000 --memory 2147483648/);
    assert.deepEqual(
      [...text.matchAll(/--cap-add (\S+)/g)].map(([, name]) => name),
      ['SYS_ADMIN', 'NET_ADMIN'],
    );
    assert.ok(!text.includes('--privileged'));
  });

  test("only the image server holds the engine's socket", () => {
    const holders = plan.members.filter(({ name }) => spec(name).words.join(' ').includes('docker.sock'));
    assert.deepEqual(
      holders.map(({ name }) => name),
      ['images-1'],
    );
  });

  test('a container of another image or of other flags is known by its hash', () => {
    assert.equal(spec('etcd-1').hash, spec('etcd-1').hash);
    assert.notEqual(spec('etcd-1').hash, spec('etcd-1', { image: 'kubelab:2' }).hash);
    assert.notEqual(spec('etcd-1').hash, spec('node-1').hash);
  });
});

suite('what the engine says', () => {
  const cases = [
    ['Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?', /start it/, true],
    ['permission denied while trying to connect to the Docker daemon socket', /group "docker"/, true],
    [
      'docker: Error response from daemon: driver failed: Bind for 127.0.0.1:6443 failed: port is already allocated.',
      /^port 6443 on 127\.0\.0\.1 is in use/,
      false,
    ],
    ['listen tcp4 127.0.0.1:12379: bind: address already in use', /^port 12379/, false],
    [
      'could not find an available, non-overlapping IPv4 address pool among the defaults',
      /network prune/,
      false,
    ],
    ['Error response from daemon: No such container: x', /^docker rm: No such container: x$/, false],
  ] as const;
  for (const [stderr, sentence, isAway] of cases) {
    test(`"${stderr.slice(0, 50)}…" becomes a sentence with a way out`, () => {
      const error = explain(['rm', 'x'], new CommandError(['docker', 'rm', 'x'], 1, stderr));
      assert.match(error.message, sentence);
      assert.equal(error.isAway, isAway);
    });
  }

  test('an engine that hangs is named as such', () => {
    const error = explain(['ps'], new CommandError(['docker', 'ps'], null, '', true));
    assert.match(error.message, /has not answered "docker ps" for 60 s: restart it/);
  });
});
