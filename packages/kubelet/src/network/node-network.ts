import { readFile, writeFile } from 'node:fs/promises';
import type { Clock, Logger } from '@kubelab/component-base';
import {
  type HostPort,
  internalIp,
  nftRules,
  planRoutes,
  type Route,
  wantedRoutes,
} from '../core/node-network.ts';
import type { NodeObject } from '../core/types.ts';
import type { runCommand } from './commands.ts';

/** Marks our routes, so that nobody else's are touched. */
const ROUTE_PROTOCOL = '201';
const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';

export interface NodeNetworkOptions {
  readonly nodeName: string;
  readonly clusterCidr: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs a program with these arguments and this input; gives its output. */
  readonly run: typeof runCommand;
  /** Routes go when an interface comes back: looked at this often, without any event. */
  readonly resyncMs: number;
  podCidr(): string | undefined;
  nodes(): readonly NodeObject[];
  hostPorts(): readonly HostPort[];
}

/**
 * The node's part in the pod network (flannel's role): routes to the other nodes' pods, masquerade to the outside, host ports.
 * Invariants
 *   NET-1  only routes with our mark and our own nft table are ever changed
 */
export class NodeNetwork {
  readonly #options: NodeNetworkOptions;
  #appliedRules = '';
  #isAsked = true;
  #wake: (() => void) | undefined;

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  /** Nodes or host ports changed. */
  kick(): void {
    this.#isAsked = true;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, resyncMs } = this.#options;
    await this.#enableForwarding();
    while (!signal.aborted) {
      this.#isAsked = false;
      try {
        await this.#reconcile();
      } catch (err) {
        log.warn('network not reconciled', { err });
      }
      if (this.#isAsked) continue;
      const stop = new AbortController();
      const asked = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([
        asked,
        clock.sleep(resyncMs, AbortSignal.any([stop.signal, signal])).catch(() => undefined),
      ]);
      stop.abort(new Error('awake'));
    }
  }

  async #reconcile(): Promise<void> {
    const { nodeName, log, run } = this.#options;
    const nodes = this.#options.nodes();
    const { replace, remove } = planRoutes(wantedRoutes(nodes, nodeName), await currentRoutes(run));
    for (const { cidr, via } of replace) {
      await run('ip', ['route', 'replace', cidr, 'via', via, 'proto', ROUTE_PROTOCOL]);
    }
    for (const { cidr } of remove) await run('ip', ['route', 'del', cidr, 'proto', ROUTE_PROTOCOL]);
    if (replace.length + remove.length > 0) {
      log.info('routes changed', { replaced: replace, removed: remove.map(({ cidr }) => cidr) });
    }
    await this.#applyRules(nodes);
  }

  async #applyRules(nodes: readonly NodeObject[]): Promise<void> {
    const podCidr = this.#options.podCidr();
    if (podCidr === undefined) return;
    const rules = nftRules({
      podCidr,
      clusterCidr: this.#options.clusterCidr,
      nodeIps: nodes.flatMap((node) => internalIp(node) ?? []),
      hostPorts: this.#options.hostPorts(),
    });
    if (rules === this.#appliedRules) return;
    await this.#options.run('nft', ['-f', '-'], rules); // NET-1
    this.#appliedRules = rules;
  }

  async #enableForwarding(): Promise<void> {
    try {
      if ((await readFile(IP_FORWARD, 'utf8')).trim() !== '1') await writeFile(IP_FORWARD, '1');
    } catch (err) {
      this.#options.log.warn('forwarding not enabled: pods will not reach other nodes', { err });
    }
  }
}

interface IpRoute {
  readonly dst: string;
  readonly gateway?: string;
}

async function currentRoutes(run: typeof runCommand): Promise<Route[]> {
  const text = await run('ip', ['-j', '-4', 'route', 'show', 'proto', ROUTE_PROTOCOL]);
  const routes = JSON.parse(text.trim() === '' ? '[]' : text) as IpRoute[];
  return routes.map(({ dst, gateway = '' }) => ({ cidr: dst, via: gateway }));
}
