/**
 * ClusterRole aggregation controller — a role with an aggregationRule has the rules of all roles its
 * selectors match.
 * Reads: clusterroles (cache).  Writes: clusterroles.
 */
import {
  type AggregationRule,
  ClusterRole,
  canonicalJson,
  labelSelectorMatcher,
  type PolicyRule,
  semanticEqual,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done } from '@kubelab/client';
import { compareText, type Seen } from '../shared/objects.ts';
import { onAny } from '../shared/watching.ts';

type SeenRole = Seen<ClusterRole>;

export function clusterRoleAggregationController({ client, informers }: ControllerDeps): ControllerSpec {
  const roles = informers.of(ClusterRole);

  return {
    name: 'clusterrole-aggregation-controller',
    workers: 2,
    watch(enqueue) {
      // Any role may be part of any aggregate; there are few of the latter.
      onAny(roles, () => {
        for (const role of roles.list()) if (role.aggregationRule !== undefined) enqueue(role.metadata.name);
      });
    },
    async reconcile(name) {
      const role = roles.get(name);
      if (role?.aggregationRule === undefined) return done;
      const rules = aggregate(role, role.aggregationRule, roles.list());
      if (!semanticEqual(role.rules, rules)) await client.update(ClusterRole, { ...role, rules });
      return done;
    },
  };
}

/** The rules of the matching roles, by role name, each rule once. */
export function aggregate(
  role: SeenRole,
  { clusterRoleSelectors = [] }: Seen<AggregationRule>,
  all: readonly SeenRole[],
): Seen<PolicyRule>[] {
  const matchers = clusterRoleSelectors.map((selector) => labelSelectorMatcher(selector));
  const parts = all
    .filter((other) => other.metadata.name !== role.metadata.name)
    .filter((other) => matchers.some((matcher) => matcher.matches(other.metadata.labels)))
    .toSorted((a, b) => compareText(a.metadata.name, b.metadata.name));
  const unique = new Map<string, Seen<PolicyRule>>();
  for (const rule of parts.flatMap((part) => part.rules ?? [])) unique.set(canonicalJson(rule), rule);
  return [...unique.values()];
}
