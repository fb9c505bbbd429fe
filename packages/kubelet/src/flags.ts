import type { FlagSpecs } from '@kubelab/component-base';

export const kubeletFlags = {
  kubeconfig: { type: 'string', required: true, description: 'kubeconfig with the node’s identity' },
  master: {
    type: 'list',
    description: 'URLs of API servers (https:// or grpcs://), instead of the kubeconfig’s server',
  },
  'hostname-override': { type: 'string', description: 'name of the Node; the host name by default' },
  'node-ip': { type: 'string', required: true, description: 'the InternalIP of the Node' },
  address: { type: 'string', default: '0.0.0.0', description: 'address that the kubelet’s port listens on' },
  port: { type: 'number', default: 10250, description: 'port for logs, exec and stats, over TLS' },
  'root-dir': { type: 'string', default: '/var/lib/kubelet', description: 'folder for the pods’ volumes' },
  'container-runtime-endpoint': {
    type: 'string',
    default: 'unix:///run/docker.sock',
    description: 'socket of the Docker engine, or "hollow" for pods without processes',
  },
  'cluster-dns': { type: 'list', default: [], description: 'DNS servers of pods' },
  'cluster-domain': { type: 'string', default: 'cluster.local', description: 'the cluster’s DNS domain' },
  'client-ca-file': { type: 'string', required: true, description: 'CA of those who may use the port' },
  'tls-cert-file': {
    type: 'string',
    required: true,
    description: 'serving certificate; reloaded when it changes',
  },
  'tls-private-key-file': { type: 'string', required: true, description: 'key of the serving certificate' },
  'pod-cidr-file': { type: 'string', description: 'file that the node’s pod CIDR is written to' },
  'cluster-cidr': {
    type: 'string',
    default: '10.244.0.0/16',
    description: 'range of all pods: not masqueraded',
  },
  'images-endpoint': { type: 'string', description: 'URL of the lab’s image server' },
  'images-ca-file': { type: 'string', description: 'CA of the image server' },
  'images-client-cert': { type: 'string', description: 'certificate towards the image server' },
  'images-client-key': { type: 'string', description: 'its key' },
  'images-dir': { type: 'string', description: 'folder of image archives, <image with _ for / and :>.tar' },
  'node-capacity': {
    type: 'list',
    default: [],
    description: 'cpu=4,memory=4Gi,pods=110; the machine’s own by default',
  },
  'node-labels': { type: 'list', default: [], description: 'labels that the Node gets, name=value' },
  'node-lease-duration-seconds': {
    type: 'number',
    default: 40,
    description: 'the Lease is renewed every quarter of it',
  },
  'node-status-update-frequency': {
    type: 'duration',
    default: 10_000,
    description: 'how often the status is looked at',
  },
  'max-pods': { type: 'number', description: 'most pods on the node; overrides node-capacity' },
  'manage-network': {
    type: 'boolean',
    default: true,
    description: 'keep routes to other nodes’ pods and the masquerade',
  },
  'serialize-image-pulls': { type: 'boolean', default: true, description: 'one image at a time' },
  'max-parallel-starts': {
    type: 'number',
    default: 3,
    description: 'pods whose containers are started at once',
  },
} as const satisfies FlagSpecs;
