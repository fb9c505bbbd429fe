import { clocksOf, type Clocks } from './timings.ts';
import { fromHost, inside, type LabPlan, type MemberPlan, membersOf } from './plan.ts';

/** Where a member finds its files. */
export interface MemberPaths {
  /** Its own certificates and kubeconfigs: `pki/…`, `*.conf`. */
  readonly config: string;
  /** What must survive a restart. */
  readonly data: string;
}

/** The words after `kubelab` that start a member, with upstream's flags. Pure: the same for every driver. */
export function memberCommand(plan: LabPlan, member: MemberPlan, paths: MemberPaths): string[] {
  const clocks = clocksOf(plan.timings);
  switch (member.kind) {
    case 'etcd':
      return ['etcd-lite', ...etcdFlags(plan, member, paths, clocks)];
    case 'apiserver':
      return ['apiserver', ...apiserverFlags(plan, member, paths, clocks)];
    case 'lb':
      return ['lb', ...lbFlags(plan, member)];
    case 'scheduler':
      return ['scheduler', ...leaderFlags(member, paths, clocks), `--master=${masters(plan)}`];
    case 'controller-manager':
      return ['controller-manager', ...controllerManagerFlags(plan, member, paths, clocks)];
    case 'images':
      return ['images', ...imagesFlags(member, paths)];
    case 'node':
      return ['node', ...nodeFlags(plan, member, paths, clocks)];
  }
}

/** Both API servers' gRPC doors, in an order that spreads the members over them. */
export function masters(plan: LabPlan): string {
  return membersOf(plan, 'apiserver')
    .map((apiserver) => `grpcs://${inside(apiserver, 'grpc')}`)
    .join(',');
}

function etcdFlags(plan: LabPlan, member: MemberPlan, paths: MemberPaths, clocks: Clocks): string[] {
  const pki = `${paths.config}/pki`;
  const cluster = membersOf(plan, 'etcd').map((peer) => `${peer.name}=https://${inside(peer, 'peer')}`);
  return flagList({
    name: member.name,
    'data-dir': paths.data,
    'listen-client-urls': `https://${listenHost(member)}:${member.ports.client}`,
    'advertise-client-urls': `https://${inside(member, 'client')}`,
    'listen-peer-urls': `https://${listenHost(member)}:${member.ports.peer}`,
    'initial-advertise-peer-urls': `https://${inside(member, 'peer')}`,
    'initial-cluster': cluster.join(','),
    'initial-cluster-token': plan.name,
    'heartbeat-interval': clocks.storeHeartbeatMs,
    'election-timeout': clocks.storeElectionMs,
    'cert-file': `${pki}/server.crt`,
    'key-file': `${pki}/server.key`,
    'trusted-ca-file': `${pki}/ca.crt`,
    'client-cert-auth': true,
    'peer-cert-file': `${pki}/peer.crt`,
    'peer-key-file': `${pki}/peer.key`,
    'peer-trusted-ca-file': `${pki}/ca.crt`,
    'peer-client-cert-auth': true,
  });
}

function apiserverFlags(plan: LabPlan, member: MemberPlan, paths: MemberPaths, clocks: Clocks): string[] {
  const pki = `${paths.config}/pki`;
  return flagList({
    'bind-address': listenHost(member),
    ...(member.address === undefined ? {} : { 'advertise-address': member.address }),
    'secure-port': member.ports.rest,
    'grpc-port': member.ports.grpc,
    'etcd-servers': membersOf(plan, 'etcd')
      .map((etcd) => `https://${inside(etcd, 'client')}`)
      .join(','),
    'etcd-cafile': `${pki}/etcd-ca.crt`,
    'etcd-certfile': `${pki}/apiserver-etcd-client.crt`,
    'etcd-keyfile': `${pki}/apiserver-etcd-client.key`,
    'client-ca-file': `${pki}/ca.crt`,
    'tls-cert-file': `${pki}/apiserver.crt`,
    'tls-private-key-file': `${pki}/apiserver.key`,
    'service-cluster-ip-range': plan.serviceCidr,
    'service-account-issuer': `https://kubernetes.default.svc.${plan.clusterDomain}`,
    'service-account-key-file': `${pki}/sa.pub`,
    'service-account-signing-key-file': `${pki}/sa.key`,
    'kubelet-certificate-authority': `${pki}/ca.crt`,
    'kubelet-client-certificate': `${pki}/apiserver-kubelet-client.crt`,
    'kubelet-client-key': `${pki}/apiserver-kubelet-client.key`,
    'default-not-ready-toleration-seconds': clocks.notReadyToleration,
    'default-unreachable-toleration-seconds': clocks.unreachableToleration,
  });
}

function lbFlags(plan: LabPlan, member: MemberPlan): string[] {
  // Processes listen on the port that the kubeconfig names; a container's is published by the engine.
  const listen = new Set([`${listenHost(member)}:${member.ports.rest}`]);
  if (plan.driver !== 'docker') listen.add(fromHost(plan, member, 'rest'));
  return flagList({
    listen: [...listen].join(','),
    backends: membersOf(plan, 'apiserver')
      .map((apiserver) => inside(apiserver, 'rest'))
      .join(','),
  });
}

function leaderFlags(member: MemberPlan, paths: MemberPaths, { leaderElection }: Clocks): string[] {
  return flagList({
    kubeconfig: `${paths.config}/${member.kind}.conf`,
    'leader-elect-identity': member.name,
    'leader-elect-lease-duration': `${leaderElection.lease}s`,
    'leader-elect-renew-deadline': `${leaderElection.renew}s`,
    'leader-elect-retry-period': `${leaderElection.retry}s`,
  });
}

function controllerManagerFlags(
  plan: LabPlan,
  member: MemberPlan,
  paths: MemberPaths,
  clocks: Clocks,
): string[] {
  const pki = `${paths.config}/pki`;
  return [
    ...leaderFlags(member, paths, clocks),
    ...flagList({
      master: masters(plan),
      'cluster-cidr': plan.clusterCidr,
      'service-cluster-ip-range': plan.serviceCidr,
      'cluster-dns-ip': plan.dnsIp,
      'cluster-domain': plan.clusterDomain,
      'root-ca-file': `${pki}/ca.crt`,
      'cluster-signing-cert-file': `${pki}/ca.crt`,
      'cluster-signing-key-file': `${pki}/ca.key`,
      'service-account-private-key-file': `${pki}/sa.key`,
      'node-monitor-period': `${clocks.nodeMonitorPeriodMs}ms`,
      'node-monitor-grace-period': `${clocks.nodeMonitorGraceMs}ms`,
      'node-startup-grace-period': `${clocks.nodeStartupGraceMs}ms`,
      'unhealthy-zone-threshold': clocks.unhealthyZoneThreshold,
      'node-eviction-rate': clocks.nodeEvictionRate,
    }),
  ];
}

function imagesFlags(member: MemberPlan, paths: MemberPaths): string[] {
  const pki = `${paths.config}/pki`;
  return flagList({
    listen: `${listenHost(member)}:${member.ports.https}`,
    'client-ca-file': `${pki}/ca.crt`,
    'tls-cert-file': `${pki}/server.crt`,
    'tls-private-key-file': `${pki}/server.key`,
    'images-dir': paths.data,
  });
}

function nodeFlags(plan: LabPlan, member: MemberPlan, paths: MemberPaths, clocks: Clocks): string[] {
  const images = membersOf(plan, 'images')[0];
  return flagList({
    name: member.name,
    runtime: plan.driver === 'hollow' ? 'hollow' : 'docker',
    'config-dir': paths.config,
    'data-dir': paths.data,
    master: masters(plan),
    ...(member.address === undefined ? {} : { 'node-ip': member.address }),
    'kubelet-port': member.ports.kubelet,
    'cluster-cidr': plan.clusterCidr,
    'service-cluster-ip-range': plan.serviceCidr,
    'cluster-dns': plan.dnsIp,
    'cluster-domain': plan.clusterDomain,
    'node-capacity': `cpu=${plan.nodeCpu},memory=${plan.nodeMemory},pods=110`,
    'node-lease-duration-seconds': clocks.nodeLease,
    'node-status-update-frequency': `${clocks.nodeStatusUpdate}s`,
    ...(images === undefined ? {} : { 'images-endpoint': `https://${inside(images, 'https')}` }),
  });
}

/** A container listens on all its addresses, a process on its own only. */
function listenHost(member: MemberPlan): string {
  return member.address ?? '0.0.0.0';
}

function flagList(flags: Readonly<Record<string, string | number | boolean | undefined>>): string[] {
  return Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}
