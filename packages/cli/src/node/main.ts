import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { type Clock, runComponent } from '@kubelab/component-base';
import { kubelabCommand } from '../self.ts';
import { Keeper } from '../supervisor/keeper.ts';
import { spawnProcess } from '../supervisor/spawn.ts';
import {
  type ChildCommand,
  dnsCommand,
  dockerdCommand,
  kubeletCommand,
  nodeFlags,
  podCidrFile,
  proxyCommand,
} from './children.ts';
import { prepareNode } from './prepare.ts';

const CIDR_POLL_MS = 50;

/**
 * Starts a node's processes and keeps them running: the kubelet at once (it registers the Node and learns the pod CIDR),
 * then the engine with that CIDR, kube-proxy and DNS.
 */
export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'node',
      summary: 'A node: kubelet, container engine, kube-proxy and DNS, kept running.',
      flags: nodeFlags,
      async start({ flags, log, clock, signal, onStop }) {
        // A hollow node has no surroundings of its own: engine, rules and settings would be the machine's.
        const isHollow = flags.runtime === 'hollow';
        // 1. What the engine needs of its surroundings: writable cgroups, no stale sockets, forwarding.
        if (!isHollow) await prepareNode(flags, log);
        const nodeIp = flags['node-ip'] ?? ownAddress();
        const keeper = new Keeper(spawnProcess, clock, log);
        onStop(() => keeper.stopAll());
        const keep = ({ name, program, args }: ChildCommand) => {
          const words = program === undefined ? kubelabCommand(args) : { command: program, args };
          // A node dies as a whole.
          keeper.start(name, { ...words, sharesGroup: true });
        };
        // 2. The kubelet, which registers the Node; on a first start the pod CIDR comes by it.
        keep(kubeletCommand(flags, nodeIp));
        if (isHollow) return;
        const podCidr = await waitForFile(podCidrFile(flags), clock, signal);
        // 3. The engine, whose bridge carries the pod CIDR, and what serves Services and names.
        keep(dockerdCommand(flags, podCidr));
        keep(proxyCommand(flags, nodeIp));
        keep(dnsCommand(flags, nodeIp));
        log.info('node processes started', { nodeIp, podCidr });
      },
    },
    argv,
  );
}

async function waitForFile(path: string, clock: Clock, signal: AbortSignal): Promise<string> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text.trim() !== '') return text.trim();
    await clock.sleep(CIDR_POLL_MS, signal);
  }
}

/** The first address that is not loopback: in a node there is one network. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this node has no IPv4 address');
  return found.address;
}

if (import.meta.main) await main(process.argv.slice(2));
