import type { FlagSpecs, Flags } from '@kubelab/component-base';

/** Flags of `kubelab node`, the process that starts a node's own processes. */
export const nodeFlags = {
  name: { type: 'string', required: true, description: 'name of the Node object and of the certificates' },
  runtime: {
    type: 'string',
    default: 'docker',
    description: 'docker (an engine of its own) or hollow (no containers)',
  },
  'config-dir': {
    type: 'string',
    required: true,
    description: 'folder with pki/, kubelet.conf, kube-proxy.conf, dns.conf',
  },
  'data-dir': {
    type: 'string',
    required: true,
    description: 'folder for what the node keeps: engine data, volumes',
  },
  master: { type: 'string', required: true, description: 'URLs of the API servers' },
  'node-ip': { type: 'string', description: 'address of the node; default: that of the default route' },
  'kubelet-port': { type: 'number', default: 10250, description: "the kubelet's port" },
  'cluster-cidr': { type: 'string', default: '10.244.0.0/16', description: 'range of all pod addresses' },
  'service-cluster-ip-range': { type: 'string', default: '10.96.0.0/16', description: 'range of ClusterIPs' },
  'cluster-dns': { type: 'string', default: '10.96.0.10', description: 'ClusterIP of kube-dns' },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'domain of the cluster' },
  'node-capacity': {
    type: 'string',
    default: 'cpu=4,memory=4Gi,pods=110',
    description: 'what the node declares',
  },
  'node-lease-duration-seconds': {
    type: 'number',
    default: 40,
    description: 'the kubelet renews its Lease every quarter of it',
  },
  'node-status-update-frequency': {
    type: 'duration',
    default: 10_000,
    description: 'how often node status is computed',
  },
  'images-endpoint': { type: 'string', description: "URL of the lab's image server" },
  'cgroup-parent': { type: 'string', description: 'cgroup for the containers of this node' },
} as const satisfies FlagSpecs;

export type NodeFlags = Flags<typeof nodeFlags>;

/** One process of a node: `kubelab` words, or another program's. */
export interface ChildCommand {
  readonly name: 'kubelet' | 'kube-proxy' | 'dns' | 'dockerd';
  /** Absent: kubelab itself. */
  readonly program?: string;
  readonly args: readonly string[];
}

/** The file through which the kubelet hands the pod CIDR to whoever starts the engine. */
export function podCidrFile(flags: NodeFlags): string {
  return `${flags['data-dir']}/pod-cidr`;
}

export function kubeletCommand(flags: NodeFlags, nodeIp: string): ChildCommand {
  const pki = `${flags['config-dir']}/pki`;
  const images = flags['images-endpoint'];
  const words: Record<string, string | number> = {
    kubeconfig: `${flags['config-dir']}/kubelet.conf`,
    master: flags.master,
    'hostname-override': flags.name,
    'node-ip': nodeIp,
    address: nodeIp,
    port: flags['kubelet-port'],
    'root-dir': `${flags['data-dir']}/kubelet`,
    'container-runtime-endpoint': flags.runtime === 'hollow' ? 'hollow' : 'unix:///run/docker.sock',
    'cluster-dns': flags['cluster-dns'],
    'cluster-domain': flags['cluster-domain'],
    'client-ca-file': `${pki}/ca.crt`,
    'tls-cert-file': `${pki}/kubelet.crt`,
    'tls-private-key-file': `${pki}/kubelet.key`,
    'pod-cidr-file': podCidrFile(flags),
    'cluster-cidr': flags['cluster-cidr'],
    'node-capacity': flags['node-capacity'],
    'node-lease-duration-seconds': flags['node-lease-duration-seconds'],
    'node-status-update-frequency': `${flags['node-status-update-frequency']}ms`,
    'manage-network': String(flags.runtime !== 'hollow'),
  };
  if (images !== undefined) {
    words['images-endpoint'] = images;
    words['images-ca-file'] = `${pki}/ca.crt`;
    words['images-client-cert'] = `${pki}/kubelet-client.crt`;
    words['images-client-key'] = `${pki}/kubelet-client.key`;
  }
  return { name: 'kubelet', args: ['kubelet', ...flagWords(words)] };
}

export function proxyCommand(flags: NodeFlags, nodeIp: string): ChildCommand {
  const words = {
    kubeconfig: `${flags['config-dir']}/kube-proxy.conf`,
    master: flags.master,
    'hostname-override': flags.name,
    'node-ip': nodeIp,
    'cluster-cidr': flags['cluster-cidr'],
    'service-cluster-ip-range': flags['service-cluster-ip-range'],
  };
  return { name: 'kube-proxy', args: ['kube-proxy', ...flagWords(words)] };
}

export function dnsCommand(flags: NodeFlags, nodeIp: string): ChildCommand {
  const words = {
    kubeconfig: `${flags['config-dir']}/dns.conf`,
    master: flags.master,
    'node-name': flags.name,
    'node-ip': nodeIp,
    'cluster-domain': flags['cluster-domain'],
    'service-cluster-ip-range': flags['service-cluster-ip-range'],
  };
  return { name: 'dns', args: ['dns', ...flagWords(words)] };
}

/** The node's engine: its default bridge carries the pod CIDR; rules, routes and masquerade are the kubelet's and kube-proxy's. */
export function dockerdCommand(flags: NodeFlags, podCidr: string): ChildCommand {
  const parent = flags['cgroup-parent'];
  const words = {
    host: 'unix:///run/docker.sock',
    'data-root': `${flags['data-dir']}/docker`,
    'exec-root': '/run/docker',
    pidfile: '/run/docker.pid',
    bip: bridgeAddress(podCidr),
    iptables: 'false',
    'ip-masq': 'false',
    'userland-proxy': 'false',
    'exec-opt': 'native.cgroupdriver=cgroupfs',
    'log-level': 'warn',
    ...(parent === undefined ? {} : { 'cgroup-parent': parent }),
  };
  return { name: 'dockerd', program: 'dockerd', args: flagWords(words) };
}

/** First address of the CIDR with its mask: `10.244.3.0/24` → `10.244.3.1/24`. */
export function bridgeAddress(podCidr: string): string {
  const [network = '', mask = ''] = podCidr.split('/');
  const parts = network.split('.').map(Number);
  return `${[...parts.slice(0, 3), (parts[3] ?? 0) + 1].join('.')}/${mask}`;
}

function flagWords(flags: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}
