import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '@kubelab/component-base';
import { eventually, FakeClock } from '@kubelab/component-base/testing';
import type { NodeObject } from '../core/types.ts';
import { NodeNetwork } from './node-network.ts';

function node(name: string, ip: string, podCIDR: string): NodeObject {
  return {
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '' },
    spec: { podCIDR },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  };
}

test('NET-1 routes are kept by their mark, rules in a table of our own; what is right is not touched', async () => {
  const clock = new FakeClock();
  const commands: string[] = [];
  let kernel = [{ dst: '10.244.9.0/24', gateway: '192.0.2.9' }];
  let nodes = [node('node-1', '192.0.2.1', '10.244.1.0/24'), node('node-2', '192.0.2.2', '10.244.2.0/24')];
  const network = new NodeNetwork({
    nodeName: 'node-1',
    clusterCidr: '10.244.0.0/16',
    clock,
    log: silentLogger,
    resyncMs: 30_000,
    podCidr: () => '10.244.1.0/24',
    nodes: () => nodes,
    hostPorts: () => [],
    async run(program, args, input = '') {
      const text = [program, ...args].join(' ');
      if (args.includes('show')) return JSON.stringify(kernel);
      commands.push(program === 'nft' ? `${text} ${/^table \S+ \S+/.exec(input)?.[0]}` : text);
      const [, action, cidr = '', , gateway = ''] = args;
      kernel = kernel.filter(({ dst }) => dst !== cidr);
      if (action === 'replace') kernel.push({ dst: cidr, gateway });
      return '';
    },
  });
  const stop = new AbortController();
  const running = network.run(stop.signal);
  const settleAndTake = async () => {
    for (let i = 0; i < 20; i++) await clock.advance(0);
    return commands.splice(0);
  };

  await eventually('the first pass', () => commands.length === 3);
  assert.deepEqual(await settleAndTake(), [
    'ip route replace 10.244.2.0/24 via 192.0.2.2 proto 201',
    'ip route del 10.244.9.0/24 proto 201',
    'nft -f - table ip kubelab-kubelet',
  ]);
  network.kick();
  assert.deepEqual(await settleAndTake(), []);

  kernel = []; // an interface went and came back
  await clock.advance(30_000);
  assert.deepEqual(await settleAndTake(), ['ip route replace 10.244.2.0/24 via 192.0.2.2 proto 201']);

  nodes = [node('node-1', '192.0.2.1', '10.244.1.0/24')];
  network.kick();
  assert.deepEqual(await settleAndTake(), [
    'ip route del 10.244.2.0/24 proto 201',
    'nft -f - table ip kubelab-kubelet',
  ]);
  stop.abort(new Error('over'));
  await running;
});
