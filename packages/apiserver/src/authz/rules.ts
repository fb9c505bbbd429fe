import type { PolicyRule } from '@kubelab/api';
import type { AccessRequest } from './authorizer.ts';

/** A rule as RBAC reads it; also the shape in which escalation is checked. */
export type Rule = PolicyRule;

export function ruleAllows(rule: Rule, request: AccessRequest): boolean {
  if (!hasOrAll(rule.verbs, request.verb)) return false;
  if (!request.isResource)
    return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, request.path));
  return (
    hasOrAll(rule.apiGroups, request.group) &&
    resourceMatches(rule.resources, request.resource, request.subresource) &&
    nameMatches(rule.resourceNames, request.name)
  );
}

/** `pods`, `pods/log`, `*` (everything), `*`/scale (that subresource of everything). */
function resourceMatches(
  resources: readonly string[] | undefined,
  resource: string,
  subresource: string,
): boolean {
  const wanted = subresource === '' ? resource : `${resource}/${subresource}`;
  return (resources ?? []).some(
    (pattern) =>
      pattern === '*' || pattern === wanted || (subresource !== '' && pattern === `*/${subresource}`),
  );
}

function nameMatches(names: readonly string[] | undefined, name: string): boolean {
  return names === undefined || names.length === 0 || names.includes(name);
}

/** A path, or a prefix that ends in `*`. */
function pathMatches(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1).replace(/\*+$/, ''));
}

function hasOrAll(list: readonly string[] | undefined, wanted: string): boolean {
  return list !== undefined && (list.includes('*') || list.includes(wanted));
}

/** Those of `wanted` that `held` does not cover: what its giver would give beyond what they have. */
export function uncovered(held: readonly Rule[], wanted: readonly Rule[]): Rule[] {
  return wanted.flatMap(atoms).filter((atom) => !held.some((rule) => covers(rule, atom)));
}

/** A rule for one verb on one thing. */
function atoms(rule: Rule): Rule[] {
  const found: Rule[] = [];
  for (const verb of rule.verbs) {
    for (const url of rule.nonResourceURLs ?? []) found.push({ verbs: [verb], nonResourceURLs: [url] });
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const one = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (rule.resourceNames === undefined || rule.resourceNames.length === 0) found.push(one);
        else for (const name of rule.resourceNames) found.push({ ...one, resourceNames: [name] });
      }
    }
  }
  return found;
}

function covers(held: Rule, atom: Rule): boolean {
  const [verb = ''] = atom.verbs;
  if (!hasOrAll(held.verbs, verb)) return false;
  const url = atom.nonResourceURLs?.[0];
  if (url !== undefined) return (held.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, url));
  const group = atom.apiGroups?.[0] ?? '';
  const resource = atom.resources?.[0] ?? '';
  if (!hasOrAll(held.apiGroups, group) || !coversResource(held.resources, resource)) return false;
  const heldNames = held.resourceNames ?? [];
  // Whoever holds only some names does not hold all of them.
  return (
    heldNames.length === 0 ||
    (atom.resourceNames !== undefined && heldNames.includes(atom.resourceNames[0] ?? ''))
  );
}

function coversResource(held: readonly string[] | undefined, resource: string): boolean {
  const slash = resource.indexOf('/');
  return (held ?? []).some(
    (pattern) =>
      pattern === '*' || pattern === resource || (slash >= 0 && pattern === `*${resource.slice(slash)}`),
  );
}
