import { RBAC_GROUP } from '../defaults/rbac.ts';
import { invalid, notSupported, required } from '../field-errors.ts';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { dns1123SubdomainErrors, pathSegmentErrors } from '../names.ts';
import { because, type Errors } from './checks.ts';
import { validateLabelSelector } from './labels.ts';

export function* validateRole(role: Role): Errors {
  for (const [index, rule] of (role.rules ?? []).entries())
    yield* validateRule(rule, true, `rules[${index}]`);
}

export function* validateClusterRole(role: ClusterRole): Errors {
  for (const [index, rule] of (role.rules ?? []).entries())
    yield* validateRule(rule, false, `rules[${index}]`);
  if (role.aggregationRule === undefined) return;
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    yield required(
      'aggregationRule.clusterRoleSelectors',
      'at least one clusterRoleSelector required if aggregationRule is non-nil',
    );
  }
  for (const [index, selector] of selectors.entries()) {
    yield* validateLabelSelector(selector, `aggregationRule.clusterRoleSelectors[${index}]`);
  }
}

/** A rule is about resources or about paths, never both. */
function* validateRule(rule: PolicyRule, isNamespaced: boolean, path: string): Errors {
  const { nonResourceURLs = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  if ((rule.verbs ?? []).length === 0)
    yield required(`${path}.verbs`, 'verbs must contain at least one value');
  if (nonResourceURLs.length > 0) {
    if (isNamespaced) {
      yield invalid(
        `${path}.nonResourceURLs`,
        nonResourceURLs,
        'namespaced rules cannot apply to non-resource URLs',
      );
    }
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      const why = 'rules cannot apply to both regular resources and non-resource URLs';
      yield invalid(`${path}.nonResourceURLs`, nonResourceURLs, why);
    }
    return;
  }
  if (apiGroups.length === 0)
    yield required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  if (resources.length === 0)
    yield required(`${path}.resources`, 'resource rules must supply at least one resource');
}

export function* validateRoleBinding(binding: RoleBinding, old?: RoleBinding): Errors {
  yield* validateBinding(binding, ['ClusterRole', 'Role'], old);
}

export function* validateClusterRoleBinding(binding: ClusterRoleBinding, old?: ClusterRoleBinding): Errors {
  yield* validateBinding(binding, ['ClusterRole'], old);
}

function* validateBinding(
  binding: RoleBinding | ClusterRoleBinding,
  kinds: readonly string[],
  old: RoleBinding | ClusterRoleBinding | undefined,
): Errors {
  const { apiGroup, kind, name } = binding.roleRef ?? {};
  if (apiGroup !== RBAC_GROUP) yield notSupported('roleRef.apiGroup', apiGroup ?? '', [RBAC_GROUP]);
  if (!kinds.includes(kind)) yield notSupported('roleRef.kind', kind ?? '', kinds);
  if (!name) yield required('roleRef.name');
  else yield* because('roleRef.name', name, pathSegmentErrors(name));
  const isNamespaced = kinds.includes('Role');
  for (const [index, subject] of (binding.subjects ?? []).entries()) {
    yield* validateSubject(subject, isNamespaced, `subjects[${index}]`);
  }
  if (old !== undefined && !semanticEqual(binding.roleRef, old.roleRef)) {
    yield invalid('roleRef', binding.roleRef, 'cannot change roleRef');
  }
}

function* validateSubject(subject: Subject, isNamespaced: boolean, path: string): Errors {
  if (!subject.name) yield required(`${path}.name`);
  switch (subject.kind) {
    case 'ServiceAccount':
      if (subject.name) yield* because(`${path}.name`, subject.name, dns1123SubdomainErrors(subject.name));
      if (subject.apiGroup) yield notSupported(`${path}.apiGroup`, subject.apiGroup, ['']);
      if (!isNamespaced && !subject.namespace) yield required(`${path}.namespace`);
      return;
    case 'User':
    case 'Group':
      if (subject.apiGroup !== RBAC_GROUP)
        yield notSupported(`${path}.apiGroup`, subject.apiGroup ?? '', [RBAC_GROUP]);
      return;
    default:
      yield notSupported(`${path}.kind`, subject.kind ?? '', ['Group', 'ServiceAccount', 'User']);
  }
}
