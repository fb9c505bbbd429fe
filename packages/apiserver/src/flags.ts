import type { FlagSpecs } from '@kubelab/component-base';

/** Upstream's names; `--grpc-port` is kubelab's own. */
export const FLAGS = {
  'bind-address': { type: 'string', default: '0.0.0.0', description: 'address to listen on' },
  'secure-port': {
    type: 'number',
    default: 6443,
    description: 'port of the REST API (HTTP/1.1 and HTTP/2 over TLS)',
  },
  'grpc-port': {
    type: 'number',
    default: 6444,
    description: "port of kubelab's own components (gRPC over TLS)",
  },
  'advertise-address': {
    type: 'string',
    description: 'address at which others reach this server; of the default route if not given',
  },
  'etcd-servers': { type: 'list', required: true, description: 'URLs of the store' },
  'etcd-cafile': { type: 'string', description: "CA of the store's certificates" },
  'etcd-certfile': { type: 'string', description: 'client certificate for the store' },
  'etcd-keyfile': { type: 'string', description: 'key of the client certificate for the store' },
  'etcd-compaction-interval': {
    type: 'duration',
    default: 300_000,
    description: 'how often old revisions are given up; 0 never',
  },
  'client-ca-file': { type: 'string', required: true, description: "CA of the clients' certificates" },
  'tls-cert-file': { type: 'string', required: true, description: 'serving certificate' },
  'tls-private-key-file': { type: 'string', required: true, description: 'key of the serving certificate' },
  'service-cluster-ip-range': {
    type: 'string',
    default: '10.96.0.0/16',
    description: 'CIDR of the addresses of Services',
  },
  'service-node-port-range': {
    type: 'string',
    default: '30000-32767',
    description: 'ports given to Services of type NodePort',
  },
  'service-account-issuer': {
    type: 'string',
    default: 'https://kubernetes.default.svc.cluster.local',
    description: 'issuer of service account tokens',
  },
  'service-account-key-file': {
    type: 'list',
    required: true,
    description: 'public keys that verify service account tokens',
  },
  'service-account-signing-key-file': {
    type: 'string',
    required: true,
    description: 'key that signs service account tokens',
  },
  'api-audiences': { type: 'list', description: 'audiences of this API; the issuer if not given' },
  'service-account-max-token-expiration': {
    type: 'duration',
    default: 0,
    description: 'the longest life of a token; 0: as asked',
  },
  'kubelet-certificate-authority': {
    type: 'string',
    description: "CA of the kubelets' serving certificates",
  },
  'kubelet-client-certificate': { type: 'string', description: 'client certificate for the kubelets' },
  'kubelet-client-key': { type: 'string', description: 'key of the client certificate for the kubelets' },
  'default-not-ready-toleration-seconds': {
    type: 'number',
    default: 300,
    description: 'how long pods stay on a node that is not ready',
  },
  'default-unreachable-toleration-seconds': {
    type: 'number',
    default: 300,
    description: 'how long pods stay on a node that is not reachable',
  },
  'event-ttl': { type: 'duration', default: 3_600_000, description: 'how long events are kept' },
  'token-auth-file': { type: 'string', description: 'file of static tokens: token,user,uid,"groups"' },
} as const satisfies FlagSpecs;
