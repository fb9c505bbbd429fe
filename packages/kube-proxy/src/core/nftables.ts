import { createHash } from 'node:crypto';
import type { MapSpec, RuleSet } from './ruleset.ts';
import type { ServicePort, Target } from './services.ts';

/** Upstream's name for its own table; nobody else's is touched. */
export const TABLE = 'ip kube-proxy';

export interface ProxySettings {
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /**
   * Frames between two pods of this node pass the bridge unseen by nftables (no br_netfilter): replies would not be translated back,
   * so connections between them are masqueraded.
   */
  readonly bridgeBypass: boolean;
}

/** Upstream's masquerade mark. */
const MARK = '0x4000';
const MASQUERADE = `meta mark set meta mark or ${MARK}`;

/** Services as nftables: two maps lead by address or node port to a chain per Service port, that to a chain per target. */
export function compileRules(ports: readonly ServicePort[], settings: ProxySettings): RuleSet {
  const chains = new Map(baseChains(settings));
  const sets = new Map<string, string>();
  const byAddress = new Map<string, string>();
  const byNodePort = new Map<string, string>();
  const refusedAddresses = new Map<string, string>();
  const refusedNodePorts = new Map<string, string>();

  for (const port of ports) {
    const name = shortHash(port.id);
    for (const target of unique([...port.internal, ...port.external]))
      addTarget(chains, sets, name, target, port, settings);
    const key = `${port.protocol} . ${port.port}`;
    if (port.internal.length > 0) chains.set(`svc-${name}`, serviceRules(port, name, settings));
    for (const address of port.addresses) {
      if (port.internal.length > 0) byAddress.set(`${address} . ${key}`, `goto svc-${name}`);
      else refusedAddresses.set(`${address} . ${key}`, '');
    }
    if (port.nodePort === undefined) continue;
    const nodeKey = `${port.protocol} . ${port.nodePort}`;
    if (port.external.length === 0) {
      refusedNodePorts.set(nodeKey, '');
      continue;
    }
    chains.set(`ext-${name}`, [
      ...(port.keepsSource ? [] : [MASQUERADE]),
      ...spread(port.external, name, port),
    ]);
    byNodePort.set(nodeKey, `goto ext-${name}`);
  }

  const byAddressType = 'ipv4_addr . inet_proto . inet_service';
  const byPortType = 'inet_proto . inet_service';
  const maps = new Map<string, MapSpec>([
    ['service-ips', { kind: 'map', type: `${byAddressType} : verdict`, elements: byAddress }],
    ['service-nodeports', { kind: 'map', type: `${byPortType} : verdict`, elements: byNodePort }],
    ['no-endpoint-services', { kind: 'set', type: byAddressType, elements: refusedAddresses }],
    ['no-endpoint-nodeports', { kind: 'set', type: byPortType, elements: refusedNodePorts }],
  ]);
  return { chains, sets, maps };
}

function baseChains({ serviceCidr }: ProxySettings): [string, string[]][] {
  return [
    [
      'services',
      [
        'ip daddr . meta l4proto . th dport vmap @service-ips',
        'fib daddr type local meta l4proto . th dport vmap @service-nodeports',
      ],
    ],
    [
      'refuse',
      [
        // A Service without endpoints is refused at once, and so is an address of the range that no Service has.
        'ip daddr . meta l4proto . th dport @no-endpoint-services reject',
        'fib daddr type local meta l4proto . th dport @no-endpoint-nodeports reject',
        `ip daddr ${serviceCidr} reject`,
      ],
    ],
    ['nat-prerouting', ['type nat hook prerouting priority -100;', 'jump services']],
    ['nat-output', ['type nat hook output priority -100;', 'jump services']],
    [
      'nat-postrouting',
      [
        'type nat hook postrouting priority 100;',
        `meta mark and ${MARK} == 0 return`,
        `meta mark set meta mark and 0xffffbfff`,
        'masquerade fully-random',
      ],
    ],
    ['filter-input', ['type filter hook input priority -110;', 'ct state new jump refuse']],
    ['filter-forward', ['type filter hook forward priority -110;', 'ct state new jump refuse']],
    ['filter-output', ['type filter hook output priority -90;', 'ct state new jump refuse']],
  ];
}

/** A connection from outside the pod network takes the node's address, so that its reply comes back through here. */
function serviceRules(port: ServicePort, name: string, { clusterCidr }: ProxySettings): string[] {
  return [`ip saddr != ${clusterCidr} ${MASQUERADE}`, ...spread(port.internal, name, port)];
}

/** Known clients to their endpoint, the others evenly at random. */
function spread(targets: readonly Target[], name: string, { affinitySeconds }: ServicePort): string[] {
  const sticky =
    affinitySeconds === undefined
      ? []
      : targets.map(
          (target) =>
            `ip saddr @${affinitySet(name, target, affinitySeconds)} goto ${targetChain(name, target)}`,
        );
  const choices = targets.map((target, i) => `${i} : goto ${targetChain(name, target)}`);
  return [...sticky, `numgen random mod ${targets.length} vmap { ${choices.join(', ')} }`];
}

function addTarget(
  chains: Map<string, readonly string[]>,
  sets: Map<string, string>,
  name: string,
  target: Target,
  { affinitySeconds, protocol }: ServicePort,
  { bridgeBypass, clusterCidr }: ProxySettings,
): void {
  const rules = [`ip saddr ${target.address} ${MASQUERADE}`];
  if (bridgeBypass) rules.push(`ip saddr ${clusterCidr} ${MASQUERADE}`);
  if (affinitySeconds !== undefined) {
    sets.set(
      affinitySet(name, target, affinitySeconds),
      `type ipv4_addr; flags dynamic,timeout; timeout ${affinitySeconds}s;`,
    );
    rules.push(`update @${affinitySet(name, target, affinitySeconds)} { ip saddr }`);
  }
  rules.push(`meta l4proto ${protocol} dnat to ${target.address}:${target.port}`);
  chains.set(targetChain(name, target), rules);
}

function targetChain(name: string, { address, port }: Target): string {
  return `ep-${name}-${address}-${port}`;
}

/** The time is part of the name, as a set cannot change it while it is in use. */
function affinitySet(name: string, { address, port }: Target, seconds: number): string {
  return `affinity-${name}-${address}-${port}-${seconds}s`;
}

function unique(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((target) => [`${target.address}:${target.port}`, target])).values()];
}

/** Chain names have a length limit; 40 bits are plenty for the Services of one cluster. */
function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}
