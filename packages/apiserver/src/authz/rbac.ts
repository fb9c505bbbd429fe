import {
  type ClusterRole,
  type ClusterRoleBinding,
  labelSelectorMatcher,
  type Role,
  type RoleBinding,
  type RoleRef,
  type Subject,
} from '@kubelab/api';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { serviceAccountUserName, type User } from '../core/user.ts';
import type { AccessRequest, Authorizer, Decision } from './authorizer.ts';
import { type Rule, ruleAllows } from './rules.ts';

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const BY_SUBJECT = 'subject';

export interface RbacCaches {
  readonly roles: ResourceCache;
  readonly clusterRoles: ResourceCache;
  readonly roleBindings: ResourceCache;
  readonly clusterRoleBindings: ResourceCache;
}

/** Where a user's rules come from. */
export interface BoundRules {
  readonly binding: string;
  readonly rules: readonly Rule[];
}

/**
 * Role-based access control on the watch cache: a request is allowed when a rule of a role bound to the user,
 * or to one of
 * their groups, allows it. There is no rule that denies.
 */
export class Rbac implements Authorizer {
  readonly #caches: RbacCaches;
  /** Rules of aggregated cluster roles, as of a version of the cluster roles. */
  #aggregated = new Map<string, readonly Rule[]>();
  #aggregatedAt = -1;

  /** Adds its indexes: before the caches are loaded. */
  constructor(caches: RbacCaches) {
    this.#caches = caches;
    caches.roleBindings.addIndex(BY_SUBJECT, (object) => {
      const { metadata, subjects } = object as RoleBinding;
      const namespace = metadata.namespace ?? '';
      return (subjects ?? [])
        .flatMap((subject) => keysOf(subject, namespace))
        .map((key) => `${namespace}/${key}`);
    });
    caches.clusterRoleBindings.addIndex(BY_SUBJECT, (object) =>
      ((object as ClusterRoleBinding).subjects ?? []).flatMap((subject) => keysOf(subject, '')),
    );
  }

  authorize(request: AccessRequest): Decision {
    for (const { binding, rules } of this.rulesFor(request.user, request.namespace)) {
      if (rules.some((rule) => ruleAllows(rule, request))) {
        return { allowed: true, reason: `RBAC: allowed by ${binding}` };
      }
    }
    return { allowed: false, reason: '' };
  }

  /** Everything bound to the user that counts in the namespace (empty: cluster-wide only). */
  *rulesFor(user: User, namespace: string): Generator<BoundRules> {
    const { clusterRoleBindings, roleBindings } = this.#caches;
    const keys = [`User:${user.name}`, ...user.groups.map((group) => `Group:${group}`)];
    for (const key of keys) {
      for (const entry of clusterRoleBindings.byIndex(BY_SUBJECT, key)) {
        const { roleRef } = entry.object as ClusterRoleBinding;
        yield { binding: `ClusterRoleBinding "${entry.key}"`, rules: this.rulesOf(roleRef, '') };
      }
      if (namespace === '') continue;
      for (const entry of roleBindings.byIndex(BY_SUBJECT, `${namespace}/${key}`)) {
        const { roleRef } = entry.object as RoleBinding;
        yield { binding: `RoleBinding "${entry.key}"`, rules: this.rulesOf(roleRef, namespace) };
      }
    }
  }

  rulesOf(roleRef: Pick<RoleRef, 'kind' | 'name'>, namespace: string): readonly Rule[] {
    const { roles, clusterRoles } = this.#caches;
    if (roleRef.kind === 'Role') {
      const role: Role | undefined = roles.get(`${namespace}/${roleRef.name}`)?.object;
      return role?.rules ?? [];
    }
    const role: ClusterRole | undefined = clusterRoles.get(roleRef.name)?.object;
    if (role === undefined) return [];
    return role.aggregationRule === undefined || role.aggregationRule === null
      ? (role.rules ?? [])
      : this.#aggregate(role);
  }

  /**
   * The role's own rules and those of every role its selectors choose: right even before a controller has
   * written them down.
   */
  #aggregate(role: ClusterRole): readonly Rule[] {
    const { clusterRoles } = this.#caches;
    if (this.#aggregatedAt !== clusterRoles.version) {
      this.#aggregated = new Map();
      this.#aggregatedAt = clusterRoles.version;
    }
    const known = this.#aggregated.get(role.metadata.name);
    if (known !== undefined) return known;
    const rules = aggregatedRules(role, clusterRoles);
    this.#aggregated.set(role.metadata.name, rules);
    return rules;
  }
}

function aggregatedRules(role: ClusterRole, clusterRoles: ResourceCache): Rule[] {
  const matchers = (role.aggregationRule?.clusterRoleSelectors ?? []).map((selector) =>
    labelSelectorMatcher(selector),
  );
  const rules = [...(role.rules ?? [])];
  const seen = new Set(rules.map((rule) => JSON.stringify(rule)));
  for (const entry of clusterRoles.list()) {
    const other = entry.object as ClusterRole;
    if (entry.key === role.metadata.name || other.aggregationRule) continue;
    if (!matchers.some((matcher) => matcher.matches(other.metadata.labels ?? {}))) continue;
    for (const rule of other.rules ?? []) {
      const text = JSON.stringify(rule);
      if (!seen.has(text)) rules.push(rule);
      seen.add(text);
    }
  }
  return rules;
}

function keysOf(subject: Subject, namespace: string): string[] {
  switch (subject.kind) {
    case 'User':
      return [`User:${subject.name}`];
    case 'Group':
      return [`Group:${subject.name}`];
    case 'ServiceAccount': {
      const at = subject.namespace || namespace;
      return at === '' ? [] : [`User:${serviceAccountUserName(at, subject.name)}`];
    }
    default:
      return [];
  }
}
