/** Labels of Kubernetes' own domains that a kubelet may give its node. */
const ALLOWED = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.kubernetes.io/region',
  'failure-domain.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const ALLOWED_DOMAINS = ['kubelet.kubernetes.io', 'node.kubernetes.io'];
const OWN_DOMAINS = ['kubernetes.io', 'k8s.io'];

/** Those a kubelet may not set: whoever steals one node must not draw pods of other tenants to it. */
export function forbiddenNodeLabels(keys: readonly string[]): string[] {
  return keys.filter((key) => !ALLOWED.has(key) && isProtected(domainOf(key))).toSorted();
}

function isProtected(domain: string): boolean {
  if (ALLOWED_DOMAINS.some((allowed) => isWithin(domain, allowed))) return false;
  return OWN_DOMAINS.some((own) => isWithin(domain, own));
}

function domainOf(key: string): string {
  const slash = key.indexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}

function isWithin(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
