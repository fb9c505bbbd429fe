import { type KubeObject, type PolicyRule, type RoleRef, semanticEqual, type Subject } from '@kubelab/api';
import { findResource, type ServedResource } from '@kubelab/api/server';
import { must } from '@kubelab/component-base';
import { type BootstrapRole, bootstrapRoles, namespaceRoles } from '../authz/policy/roles.ts';
import { RBAC_GROUP } from '../authz/rbac.ts';
import { uncovered } from '../authz/rules.ts';
import { GROUP_MASTERS } from '../core/user.ts';
import { group } from '../authz/policy/subjects.ts';
import { wanted, type Wanted } from './ensure.ts';

const BOOTSTRAPPING_LABEL = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
/** `"false"` keeps a role or binding as its owner left it. */
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

type RoleLike = KubeObject & { rules?: PolicyRule[] | null; aggregationRule?: unknown };
type BindingLike = KubeObject & { roleRef: RoleRef; subjects?: Subject[] };

/** The bootstrap roles and bindings; what is there already gets what this version needs, and loses nothing. */
export function wantedPolicy(): Wanted[] {
  const clusterRoles = rbac('clusterroles');
  const clusterRoleBindings = rbac('clusterrolebindings');
  const roles = rbac('roles');
  const roleBindings = rbac('rolebindings');
  const list: Wanted[] = [];
  for (const role of bootstrapRoles) {
    list.push(wanted<RoleLike>(clusterRoles, clusterRole(role), completeRole));
    const subjects = role.name === 'cluster-admin' ? [group(GROUP_MASTERS)] : role.subjects;
    if (subjects === undefined) continue;
    const roleRef = { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: role.name };
    const bound = binding('ClusterRoleBinding', role.name, roleRef, subjects);
    list.push(wanted<BindingLike>(clusterRoleBindings, bound, completeBinding));
  }
  for (const { namespace, name, rules, subjects } of namespaceRoles) {
    const role = { ...base('Role', name, undefined), rules: [...rules] };
    const bound = binding('RoleBinding', name, { apiGroup: RBAC_GROUP, kind: 'Role', name }, subjects);
    list.push(wanted<RoleLike>(roles, inNamespace(role, namespace), completeRole));
    list.push(wanted<BindingLike>(roleBindings, inNamespace(bound, namespace), completeBinding));
  }
  return list;
}

function rbac(plural: string): ServedResource {
  return must(findResource(RBAC_GROUP, 'v1', plural), plural);
}

function clusterRole(role: BootstrapRole): RoleLike {
  const object = base('ClusterRole', role.name, role.labels);
  if (role.aggregates === undefined) return { ...object, rules: [...(role.rules ?? [])] };
  const matchLabels = { [`rbac.authorization.k8s.io/aggregate-to-${role.aggregates}`]: 'true' };
  return { ...object, aggregationRule: { clusterRoleSelectors: [{ matchLabels }] }, rules: null };
}

function binding(kind: string, name: string, roleRef: RoleRef, subjects: readonly Subject[]): BindingLike {
  return { ...base(kind, name, undefined), roleRef, subjects: [...subjects] };
}

function base(kind: string, name: string, labels: BootstrapRole['labels']): KubeObject {
  const metadata = {
    name,
    labels: { ...BOOTSTRAPPING_LABEL, ...labels },
    annotations: { [AUTOUPDATE]: 'true' },
  };
  // The rest of the metadata is the server's to give.
  return { kind, apiVersion: `${RBAC_GROUP}/v1`, metadata: metadata as unknown as KubeObject['metadata'] };
}

function inNamespace<T extends KubeObject>(object: T, namespace: string): T {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

function completeRole(stored: RoleLike, wanted: RoleLike): RoleLike | undefined {
  if (stored.metadata.annotations?.[AUTOUPDATE] === 'false') return undefined;
  const missing = uncovered(stored.rules ?? [], wanted.rules ?? []);
  const labels = { ...wanted.metadata.labels, ...stored.metadata.labels };
  const aggregationRule = wanted.aggregationRule ?? stored.aggregationRule;
  const isComplete =
    missing.length === 0 &&
    semanticEqual(labels, stored.metadata.labels) &&
    semanticEqual(aggregationRule, stored.aggregationRule);
  if (isComplete) return undefined;
  const rules = missing.length === 0 ? stored.rules : [...(stored.rules ?? []), ...missing];
  const completed: RoleLike = { ...stored, metadata: { ...stored.metadata, labels }, rules: rules ?? null };
  return aggregationRule === undefined ? completed : { ...completed, aggregationRule };
}

function completeBinding(stored: BindingLike, wanted: BindingLike): BindingLike | undefined {
  if (stored.metadata.annotations?.[AUTOUPDATE] === 'false') return undefined;
  const has = (subject: Subject) => (stored.subjects ?? []).some((other) => semanticEqual(other, subject));
  const missing = (wanted.subjects ?? []).filter((subject) => !has(subject));
  return missing.length === 0 ? undefined : { ...stored, subjects: [...(stored.subjects ?? []), ...missing] };
}
