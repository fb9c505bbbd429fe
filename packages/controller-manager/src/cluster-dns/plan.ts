import type { Endpoint, EndpointSubset, NewObject, Node, Service } from '@kubelab/api';
import { isConditionTrue } from '@kubelab/api';
import { compareText, type Seen } from '../shared/objects.ts';

export const NAMESPACE = 'kube-system';
export const NAME = 'kube-dns';
const DNS_PORT = 53;
const LABELS = {
  'k8s-app': 'kube-dns',
  'kubernetes.io/cluster-service': 'true',
  'kubernetes.io/name': 'kube-dns',
};
const PORTS = [
  { name: 'dns', protocol: 'UDP', port: DNS_PORT },
  { name: 'dns-tcp', protocol: 'TCP', port: DNS_PORT },
];

/** The Service all pods ask for names. No selector: the servers are not pods but run on every node. */
export function dnsService(clusterIP: string): NewObject<Service> {
  return {
    metadata: { namespace: NAMESPACE, name: NAME, labels: LABELS },
    spec: { type: 'ClusterIP', clusterIP, ports: PORTS.map((port) => ({ ...port, targetPort: DNS_PORT })) },
  };
}

export const dnsPorts = PORTS;

/** DNS-1: one endpoint a Ready node; of a node that is not Ready nobody knows whether its server answers. */
export function dnsEndpoints(nodes: readonly Seen<Node>[]): Endpoint[] {
  return nodes
    .filter(
      (node) =>
        isConditionTrue(node.status?.conditions, 'Ready') && node.metadata.deletionTimestamp === undefined,
    )
    .flatMap((node) => {
      const address = node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      // Hollow nodes have no address of their own: nothing there could be sent to.
      if (address === undefined || address.startsWith('127.')) return [];
      const nodeName = node.metadata.name;
      return [
        { addresses: [address], conditions: { ready: true, serving: true, terminating: false }, nodeName },
      ];
    })
    .sort((a, b) => compareText(a.nodeName, b.nodeName));
}

/** The same as Endpoints have it. */
export function dnsSubsets(endpoints: readonly Endpoint[]): EndpointSubset[] {
  if (endpoints.length === 0) return [];
  const addresses = endpoints.map(({ addresses: [ip = ''], nodeName }) => ({ ip, nodeName }));
  return [{ addresses, ports: PORTS.map((port) => ({ ...port })) }];
}
