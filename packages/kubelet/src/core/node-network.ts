/** Routes and nft rules of a node. Pure: what should be, as data and text. */
import type { NodeObject, PodObject } from './types.ts';
import { parseCidr } from './cidr.ts';

export interface Route {
  /** A pod CIDR. */
  readonly cidr: string;
  /** The InternalIP of its node. */
  readonly via: string;
}

/** One route for each other node whose pod CIDR and address are known. */
export function wantedRoutes(nodes: readonly NodeObject[], selfName: string): Route[] {
  return nodes.flatMap((node) => {
    const cidr = node.spec?.podCIDR;
    const via = internalIp(node);
    const isUsable = node.metadata.name !== selfName && cidr !== undefined && parseCidr(cidr) !== undefined;
    return isUsable && via !== undefined ? [{ cidr, via }] : [];
  });
}

export function internalIp(node: NodeObject): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
}

export interface RoutePlan {
  readonly replace: readonly Route[];
  readonly remove: readonly Route[];
}

/** `current` are the routes that carry our mark; all others belong to somebody else. */
export function planRoutes(wanted: readonly Route[], current: readonly Route[]): RoutePlan {
  const isIn = (list: readonly Route[], route: Route) =>
    list.some(({ cidr, via }) => cidr === route.cidr && via === route.via);
  return {
    replace: wanted.filter((route) => !isIn(current, route)),
    remove: current.filter(({ cidr }) => !wanted.some((route) => route.cidr === cidr)),
  };
}

export interface HostPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** Empty: any address of the node. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly podIp: string;
  readonly containerPort: number;
}

/** The host ports of a pod that has an address of its own. */
export function hostPortsOf(pod: PodObject, podIp: string): HostPort[] {
  if (pod.spec.hostNetwork === true || podIp === '') return [];
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP = '' }) =>
      hostPort === undefined || hostPort === 0
        ? []
        : [
            {
              protocol: protocol.toLowerCase() as HostPort['protocol'],
              hostIp: hostIP === '0.0.0.0' ? '' : hostIP,
              hostPort,
              podIp,
              containerPort,
            },
          ],
    ),
  );
}

export interface RulesInput {
  readonly podCidr: string;
  readonly clusterCidr: string;
  readonly nodeIps: readonly string[];
  readonly hostPorts: readonly HostPort[];
}

export const NFT_TABLE = 'kubelab-kubelet';

/**
 * The kubelet's own nft table: pods leave the cluster with the node's address, and keep theirs towards pods and nodes; host
 * ports lead to pods. Replaced as a whole, in one transaction.
 */
export function nftRules({ podCidr, clusterCidr, nodeIps, hostPorts }: RulesInput): string {
  const inside = [clusterCidr, ...nodeIps.toSorted()].filter((part) => part !== '');
  const dnat = hostPorts.map(
    ({ protocol, hostIp, hostPort, podIp, containerPort }) =>
      `    ${hostIp === '' ? 'fib daddr type local' : `ip daddr ${hostIp}`} ${protocol} dport ${hostPort} ` +
      `dnat to ${podIp}:${containerPort}`,
  );
  const hairpin = [...new Set(hostPorts.map(({ podIp }) => podIp))].map(
    (podIp) => `    ip saddr ${podIp} ip daddr ${podIp} ct status dnat masquerade`,
  );
  return [
    `table ip ${NFT_TABLE}`,
    `delete table ip ${NFT_TABLE}`,
    `table ip ${NFT_TABLE} {`,
    '  chain postrouting {',
    '    type nat hook postrouting priority 100; policy accept;',
    ...hairpin,
    `    ip saddr ${podCidr} ip daddr != { ${[...inside, '224.0.0.0/4'].join(', ')} } masquerade`,
    '  }',
    ...(dnat.length === 0
      ? []
      : [
          '  chain prerouting {',
          '    type nat hook prerouting priority -100; policy accept;',
          ...dnat,
          '  }',
          '  chain output {',
          '    type nat hook output priority -100; policy accept;',
          ...dnat,
          '  }',
        ]),
    '}',
    '',
  ].join('\n');
}
