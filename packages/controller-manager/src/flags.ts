import type { Flags, FlagSpecs } from '@kubelab/component-base';

/** kube-controller-manager's own names and defaults; the last three are kubelab's. */
export const flagSpecs = {
  kubeconfig: { type: 'string', required: true, description: 'kubeconfig file with the identity to use' },
  master: {
    type: 'list',
    default: [],
    description: "API servers (https:// or grpcs://), instead of the kubeconfig's",
  },
  controllers: {
    type: 'list',
    default: ['*'],
    description: "controllers to run: '*' all, 'name' this one, '-name' not this one",
  },
  'use-service-account-credentials': {
    type: 'boolean',
    default: false,
    description: 'accepted; all controllers use one identity',
  },

  'leader-elect': { type: 'boolean', default: true, description: 'work only while holding the lease' },
  'leader-elect-lease-duration': {
    type: 'duration',
    default: 15_000,
    description: 'others wait this long for a renewal',
  },
  'leader-elect-renew-deadline': {
    type: 'duration',
    default: 10_000,
    description: 'give up after failing to renew for this long',
  },
  'leader-elect-retry-period': { type: 'duration', default: 2_000, description: 'time between two attempts' },
  'leader-elect-resource-namespace': {
    type: 'string',
    default: 'kube-system',
    description: 'where the lease is',
  },
  'leader-elect-identity': {
    type: 'string',
    description: 'name in the lease (default: host name and a random part)',
  },

  'allocate-node-cidrs': { type: 'boolean', default: true, description: 'give every node a pod network' },
  'cluster-cidr': {
    type: 'string',
    default: '10.244.0.0/16',
    description: 'where pod networks are taken from',
  },
  'node-cidr-mask-size': {
    type: 'number',
    default: 24,
    description: "prefix length of a node's pod network",
  },
  'service-cluster-ip-range': {
    type: 'string',
    default: '10.96.0.0/16',
    description: 'ClusterIPs; kept out of pod networks',
  },

  'node-monitor-period': {
    type: 'duration',
    default: 5_000,
    description: 'how often a silent node is looked at again',
  },
  'node-monitor-grace-period': {
    type: 'duration',
    default: 50_000,
    description: 'silence after which a node is not ready',
  },
  'node-startup-grace-period': {
    type: 'duration',
    default: 60_000,
    description: 'the same for a node that never reported',
  },
  'node-eviction-rate': {
    type: 'number',
    default: 0.1,
    description: 'nodes per second that may be tainted for eviction',
  },
  'secondary-node-eviction-rate': {
    type: 'number',
    default: 0.01,
    description: 'the same in a large disrupted zone',
  },
  'unhealthy-zone-threshold': {
    type: 'number',
    default: 0.55,
    description: 'share of silent nodes that disrupts a zone; above 1: never',
  },
  'large-cluster-size-threshold': {
    type: 'number',
    default: 50,
    description: 'zones up to this size stop evicting when disrupted',
  },
  'terminated-pod-gc-threshold': {
    type: 'number',
    default: 12_500,
    description: 'ended pods to keep; 0: all',
  },

  'root-ca-file': { type: 'string', description: 'CA to publish as kube-root-ca.crt in every namespace' },
  'service-account-private-key-file': {
    type: 'string',
    description: 'signs tokens of secrets of type kubernetes.io/service-account-token',
  },
  'cluster-signing-cert-file': {
    type: 'string',
    description: 'CA certificate that signs certificate requests',
  },
  'cluster-signing-key-file': { type: 'string', description: 'its private key' },

  'cluster-dns-ip': {
    type: 'string',
    default: '10.96.0.10',
    description: 'ClusterIP of kube-system/kube-dns; empty: no such Service',
  },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'DNS domain of the cluster' },
  'orphaned-pod-quarantine': {
    type: 'duration',
    default: 40_000,
    description: 'how long a node must be missing before its pods are removed',
  },
} as const satisfies FlagSpecs;

export type ControllerManagerFlags = Flags<typeof flagSpecs>;
