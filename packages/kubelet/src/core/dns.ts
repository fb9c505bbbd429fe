/** The pod's resolv.conf by its DNS policy. Pure; upstream: `network/dns`. */
import type { DnsConfig } from '../runtime/types.ts';
import type { PodObject } from './types.ts';

const SEARCHES_MAX = 32;
const SERVERS_MAX = 3;

export interface DnsInput {
  readonly pod: PodObject;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}

/** undefined: the pod takes the node's own. */
export function podDns({ pod, clusterDns, clusterDomain }: DnsInput): DnsConfig | undefined {
  const { dnsConfig, dnsPolicy = 'ClusterFirst', hostNetwork = false } = pod.spec;
  const isClusterFirst =
    dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  const base: DnsConfig | undefined =
    isClusterFirst && clusterDns.length > 0
      ? {
          servers: clusterDns,
          searches: clusterSearches(pod.metadata.namespace ?? '', clusterDomain),
          options: ['ndots:5'],
        }
      : dnsPolicy === 'None'
        ? { servers: [], searches: [], options: [] }
        : undefined;
  if (dnsConfig === undefined) return base;
  const options = (dnsConfig.options ?? []).map(({ name = '', value }) =>
    value === undefined ? name : `${name}:${value}`,
  );
  return {
    servers: unique([...(base?.servers ?? []), ...(dnsConfig.nameservers ?? [])]).slice(0, SERVERS_MAX),
    searches: unique([...(base?.searches ?? []), ...(dnsConfig.searches ?? [])]).slice(0, SEARCHES_MAX),
    options: mergeOptions(base?.options ?? [], options),
  };
}

function clusterSearches(namespace: string, domain: string): string[] {
  return [`${namespace}.svc.${domain}`, `svc.${domain}`, domain];
}

/** The pod's own options win over the cluster's of the same name. */
function mergeOptions(base: readonly string[], own: readonly string[]): string[] {
  const named = (option: string) => option.split(':')[0];
  return [...base.filter((option) => !own.some((other) => named(other) === named(option))), ...own];
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}

/** The name a pod gives itself: its own hostname, or its name; 63 characters at most. */
export function podHostname(pod: PodObject): string {
  const name = pod.spec.hostname ?? pod.metadata.name;
  return name.slice(0, 63).replace(/[-.]+$/, '');
}

/** The domain in which the pod's headless Service resolves its host name; undefined without a subdomain. */
export function podDomain(pod: PodObject, domain: string): string | undefined {
  const { subdomain } = pod.spec;
  return subdomain === undefined || subdomain === ''
    ? undefined
    : `${subdomain}.${pod.metadata.namespace}.svc.${domain}`;
}
