import { hostAddress, type LabPlan, type MemberPlan, membersOf } from '../../core/plan.ts';

/**
 * The network of a `netns` lab: a bridge in a namespace of its own (in the host's, the engine's FORWARD rules would drop its frames),
 * one veth to the host that carries the control plane's addresses, one veth to each node's namespace. Pure: it only makes the words.
 */
export interface NetworkNames {
  /** Namespace that holds the bridge. */
  readonly switch: string;
  /** Interface on the host; at most 15 characters. */
  readonly uplink: string;
  /** nftables table and comment of iptables rules on the host. */
  readonly table: string;
}

export function networkNames(plan: LabPlan): NetworkNames {
  const octet = plan.memberCidr.split('.')[2] ?? '0';
  return {
    switch: `kubelab-${plan.name}`,
    uplink: `kubelab${octet}`,
    table: `kubelab_${plan.name.replaceAll('-', '_')}`,
  };
}

export function nodeNamespace(plan: LabPlan, node: MemberPlan): string {
  return `kubelab-${plan.name}-${node.name}`;
}

/** One `ip -batch` for the switch and the host's side of it. */
export function uplinkCommands(plan: LabPlan): string[][] {
  const names = networkNames(plan);
  const gateway = hostAddress(plan, 1);
  const addresses = plan.members.filter(({ kind, address }) => kind !== 'node' && address !== undefined);
  return [
    ['ip', 'netns', 'add', names.switch],
    ['ip', '-n', names.switch, 'link', 'add', 'lab0', 'type', 'bridge'],
    ['ip', '-n', names.switch, 'link', 'set', 'lab0', 'up'],
    ['ip', 'link', 'add', names.uplink, 'type', 'veth', 'peer', 'name', 'host', 'netns', names.switch],
    ['ip', '-n', names.switch, 'link', 'set', 'host', 'master', 'lab0', 'up'],
    ['ip', 'address', 'replace', `${gateway}/24`, 'dev', names.uplink],
    ...addresses.map(({ address }) => ['ip', 'address', 'replace', `${address}/32`, 'dev', names.uplink]),
    ['ip', 'link', 'set', names.uplink, 'up'],
  ];
}

/** A node's namespace with its end of a veth. */
export function nodeCommands(plan: LabPlan, node: MemberPlan): string[][] {
  const names = networkNames(plan);
  const namespace = nodeNamespace(plan, node);
  return [
    ['ip', 'netns', 'add', namespace],
    [
      'ip',
      '-n',
      namespace,
      'link',
      'add',
      'eth0',
      'type',
      'veth',
      'peer',
      'name',
      `n${node.index}`,
      'netns',
      names.switch,
    ],
    ['ip', '-n', names.switch, 'link', 'set', `n${node.index}`, 'master', 'lab0', 'up'],
    ['ip', '-n', namespace, 'address', 'replace', `${node.address}/24`, 'dev', 'eth0'],
    ['ip', '-n', namespace, 'link', 'set', 'lo', 'up'],
    ['ip', '-n', namespace, 'link', 'set', 'eth0', 'up'],
    ['ip', '-n', namespace, 'route', 'replace', 'default', 'via', hostAddress(plan, 1)],
  ];
}

/** Nodes reach the outside through the host; a table of our own, so that it goes without a trace. */
export function hostRules(plan: LabPlan): string {
  const { table } = networkNames(plan);
  return [
    `table ip ${table}`,
    `delete table ip ${table}`,
    `table ip ${table} {`,
    '  chain postrouting {',
    '    type nat hook postrouting priority 100;',
    `    ip saddr ${plan.memberCidr} ip daddr != ${plan.memberCidr} masquerade`,
    '  }',
    '}',
    '',
  ].join('\n');
}

/** An engine on the host drops what it does not know: these two let the lab's traffic pass. */
export function forwardRules(plan: LabPlan): string[][] {
  const { uplink, table } = networkNames(plan);
  const mark = ['-m', 'comment', '--comment', table, '-j', 'ACCEPT'];
  return [
    ['FORWARD', '-i', uplink, ...mark],
    ['FORWARD', '-o', uplink, ...mark],
  ];
}

export function namespacesOf(plan: LabPlan): string[] {
  return [networkNames(plan).switch, ...membersOf(plan, 'node').map((node) => nodeNamespace(plan, node))];
}
