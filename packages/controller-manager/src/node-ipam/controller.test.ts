import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Node } from '@kubelab/api';
import { startHarness } from '../testing/harness.ts';
import { CidrSet } from './cidr-set.ts';
import { nodeIpamController } from './controller.ts';

const start = (nodes: Record<string, string | undefined>, clusterCidr = '10.244.0.0/16', nodeMaskSize = 24) =>
  startHarness((deps) => [nodeIpamController(deps, { clusterCidr, nodeMaskSize })], {
    prepare: (client) => {
      for (const [name, podCIDR] of Object.entries(nodes)) {
        client.seed(Node, {
          metadata: { name },
          spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
        });
      }
    },
  });

test('IPAM-1 IPAM-2 each node has a network of its own; those given earlier are kept and avoided', async (t) => {
  const { client, quiet, stop } = await start({ a: '10.244.1.0/24', b: undefined, c: undefined });
  t.after(stop);
  const cidrs = () => client.objects(Node).map((node) => node.spec.podCIDR);
  assert.deepEqual(cidrs(), ['10.244.1.0/24', '10.244.0.0/24', '10.244.2.0/24']);
  assert.deepEqual(client.find(Node, 'b')?.spec.podCIDRs, ['10.244.0.0/24']);
  client.seed(Node, { metadata: { name: 'd' }, spec: {} });
  await quiet();
  assert.equal(client.find(Node, 'd')?.spec.podCIDR, '10.244.3.0/24');
});

test('a full cluster says so and goes on when a node leaves', async (t) => {
  const { client, quiet, events, stop } = await start(
    { a: undefined, b: undefined, c: undefined },
    '10.244.0.0/23',
  );
  t.after(stop);
  assert.equal(client.find(Node, 'c')?.spec.podCIDR, undefined);
  assert.equal(events.at(-1)?.message, 'Node c status is now: CIDRNotAvailable');
  client.removeNow(Node, 'a');
  await quiet();
  assert.equal(client.find(Node, 'c')?.spec.podCIDR, '10.244.0.0/24');
});

const cases: [cluster: string, mask: number, taken: string[], want: string | undefined][] = [
  ['10.244.0.0/16', 24, [], '10.244.0.0/24'],
  ['10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.1.0/24'], '10.244.2.0/24'],
  ['10.244.0.0/16', 26, ['10.244.0.0/26'], '10.244.0.64/26'],
  ['10.244.0.0/24', 24, ['10.244.0.0/24'], undefined],
  ['10.244.0.0/16', 24, ['192.168.0.0/24', 'nonsense'], '10.244.0.0/24'],
  ['200.0.0.0/8', 24, ['200.0.0.0/24'], '200.0.1.0/24'],
  ['10.244.0.0/16', 24, ['10.244.0.0/23'], '10.244.2.0/24'],
];
for (const [cluster, mask, taken, want] of cases) {
  test(`of ${cluster} by /${mask} with [${taken.join(' ')}] taken the next is ${want}`, () => {
    assert.equal(new CidrSet(cluster, mask).firstFree(taken), want);
  });
}
