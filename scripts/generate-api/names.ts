/**
 * Short names for definitions: the last segment of `io.k8s.api.core.v1.Pod`. Where two reachable definitions
 * share it, the served kind keeps the plain name, then core, meta and rbac; the others are prefixed with
 * their group and version (`DiscoveryV1EndpointPort`).
 */
export function shortNames(definitions: readonly string[], kinds: ReadonlySet<string>): Map<string, string> {
  const claims = new Map<string, string[]>();
  for (const id of definitions) {
    const name = lastSegment(id);
    claims.set(name, [...(claims.get(name) ?? []), id]);
  }
  const names = new Map<string, string>();
  for (const [name, ids] of claims) {
    const [winner, ...others] = ids.sort((a, b) => rank(a, kinds) - rank(b, kinds));
    if (winner !== undefined) names.set(winner, name);
    for (const id of others) names.set(id, prefixed(id));
  }
  return names;
}

function rank(id: string, kinds: ReadonlySet<string>): number {
  if (kinds.has(id)) return 0;
  if (id.startsWith('io.k8s.api.core.')) return 1;
  if (id.startsWith('io.k8s.apimachinery.')) return 2;
  return id.startsWith('io.k8s.api.rbac.') ? 3 : 4;
}

function lastSegment(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1);
}

function prefixed(id: string): string {
  return id.split('.').slice(-3).map(capitalized).join('');
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
