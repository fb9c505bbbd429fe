import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { memberCommand } from './member-command.ts';
import {
  type Allocator,
  extendPlan,
  findMember,
  fromHost,
  inside,
  type LabPlan,
  type LabRequest,
  membersOf,
  planLab,
} from './plan.ts';

const request: LabRequest = {
  name: 'lab',
  driver: 'netns',
  timings: 'lab',
  nodes: 3,
  etcd: 3,
  apiservers: 2,
  nodeCpu: '4',
  nodeMemory: '4Gi',
};

function allocator(): Allocator {
  let port = 40_000;
  return { port: () => port++, apiPort: () => 6443, subnet: () => 7 };
}

function member(plan: LabPlan, name: string) {
  const found = findMember(plan, name);
  assert.ok(found, name);
  return found;
}

suite('lab plan', () => {
  test('the default lab has 3 stores, 2 of each control-plane part, a balancer, an image server and 3 nodes', () => {
    const plan = planLab(request, allocator());
    assert.deepEqual(
      plan.members.map(({ name }) => name),
      [
        ...[
          'etcd-1',
          'etcd-2',
          'etcd-3',
          'apiserver-1',
          'apiserver-2',
          'lb-1',
          'images-1',
          'node-1',
          'node-2',
          'node-3',
        ],
        ...['controller-manager-1', 'controller-manager-2', 'scheduler-1', 'scheduler-2'],
      ],
    );
  });

  test('addresses and ports are unique within a lab, whatever the driver', () => {
    for (const driver of ['netns', 'hollow', 'docker'] as const) {
      const plan = planLab({ ...request, driver, nodes: 50 }, allocator());
      const places = plan.members.flatMap((each) =>
        Object.keys(each.ports).map((port) => inside(each, port)),
      );
      assert.equal(new Set(places).size, places.length, driver);
    }
  });

  test('PLAN-1 asking for more nodes adds them and changes nothing that was there', () => {
    const plan = planLab(request, allocator());
    const more = extendPlan(plan, { ...request, nodes: 5, etcd: 5 }, allocator());
    assert.deepEqual(more.members.slice(0, plan.members.length), plan.members);
    assert.equal(membersOf(more, 'node').length, 5);
    assert.equal(membersOf(more, 'etcd').length, 3);
    assert.deepEqual(extendPlan(more, { ...request, nodes: 1 }, allocator()), more);
  });

  test('members of the docker driver are found by name, and the host by published ports only', () => {
    const plan = planLab({ ...request, driver: 'docker' }, allocator());
    assert.equal(inside(member(plan, 'etcd-2'), 'client'), 'etcd-2:2379');
    assert.match(fromHost(plan, member(plan, 'etcd-2'), 'client'), /^127\.0\.0\.1:4\d{4}$/);
    assert.throws(() => fromHost(plan, member(plan, 'apiserver-1'), 'rest'), /not published/);
  });

  test('a store member is started with every peer of its cluster', () => {
    const plan = planLab(request, allocator());
    const words = memberCommand(plan, member(plan, 'etcd-1'), { config: '/c', data: '/d' });
    assert.equal(words[0], 'etcd-lite');
    assert.ok(
      words.includes(
        '--initial-cluster=etcd-1=https://10.89.7.11:2380,etcd-2=https://10.89.7.12:2380,etcd-3=https://10.89.7.13:2380',
      ),
    );
  });

  test('the balancer listens on the loopback port that the kubeconfig names', () => {
    const plan = planLab(request, allocator());
    const words = memberCommand(plan, member(plan, 'lb-1'), { config: '/c', data: '/d' });
    assert.ok(
      words.includes(`--listen=10.89.7.31:6443,${fromHost(plan, member(plan, 'lb-1'), 'rest')}`),
      words.join(' '),
    );
  });

  test("with kubernetes timings members get upstream's clocks", () => {
    const plan = planLab({ ...request, timings: 'kubernetes' }, allocator());
    const words = (name: string) => memberCommand(plan, member(plan, name), { config: '/c', data: '/d' });
    const manager = words('controller-manager-1');
    for (const flag of [
      'leader-elect-lease-duration=15s',
      'leader-elect-renew-deadline=10s',
      'leader-elect-retry-period=2s',
    ]) {
      assert.ok(manager.includes(`--${flag}`), flag);
    }
    for (const flag of ['node-monitor-grace-period=50000ms', 'unhealthy-zone-threshold=0.55']) {
      assert.ok(manager.includes(`--${flag}`), flag);
    }
    assert.ok(words('apiserver-1').includes('--default-unreachable-toleration-seconds=300'));
    assert.ok(words('node-1').includes('--node-lease-duration-seconds=40'));
  });
});
