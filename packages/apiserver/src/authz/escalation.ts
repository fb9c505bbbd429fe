import {
  type ClusterRole,
  errors,
  type KubeObject,
  type PolicyRule,
  type RoleBinding,
  type RoleRef,
  semanticEqual,
} from '@kubelab/api';
import type { AdmissionPlugin, Attributes } from '../admission/plugin.ts';
import { GROUP_MASTERS } from '../core/user.ts';
import type { AccessRequest, Authorizer } from './authorizer.ts';
import { type Rbac, RBAC_GROUP } from './rbac.ts';
import { type Rule, uncovered } from './rules.ts';

type WithRules = KubeObject & { rules?: PolicyRule[] | null };

/**
 * Nobody gives away more than they have (upstream: `rbac/escalation_check.go`).
 * Invariants
 *   S2  who writes a role holds all its rules, or may `escalate`; who binds one holds all its rules, or may
 *       `bind` it
 */
export function escalationGuard(rbac: Rbac, authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'RBACEscalation',
    async validate(attributes) {
      const { resource, user, object, old, operation } = attributes;
      if (resource.group !== RBAC_GROUP || object === undefined || operation === 'DELETE') return;
      if (user.groups.includes(GROUP_MASTERS)) return;
      switch (resource.resource) {
        case 'roles':
        case 'clusterroles':
          if (
            isSameRole(object, old) ||
            (await may('escalate', attributes, resource.resource, object.metadata.name))
          )
            return;
          refuse(rbac, attributes, rulesIn(object));
          // Whoever can aggregate can collect rules they have not seen yet: only who holds everything may.
          if (aggregationOf(object) && !semanticEqual(aggregationOf(object), aggregationOf(old))) {
            refuse(rbac, attributes, EVERYTHING);
          }
          return;
        case 'rolebindings':
        case 'clusterrolebindings': {
          const binding = object as RoleBinding;
          if (isSameBinding(binding, old as RoleBinding | undefined)) return;
          const { roleRef } = binding;
          if (await may('bind', attributes, roleRef.kind === 'Role' ? 'roles' : 'clusterroles', roleRef.name))
            return;
          refuse(rbac, attributes, rulesOfRef(rbac, roleRef, attributes.namespace));
          return;
        }
      }
    },
  };

  async function may(
    verb: string,
    { user, namespace }: Attributes,
    resource: string,
    name: string,
  ): Promise<boolean> {
    const request: AccessRequest = {
      user,
      isResource: true,
      verb,
      group: RBAC_GROUP,
      version: 'v1',
      resource,
      subresource: '',
      namespace,
      name,
      path: '',
      selector: undefined,
    };
    return (await authorizer.authorize(request)).allowed;
  }
}

const EVERYTHING: readonly Rule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

function rulesOfRef(rbac: Rbac, roleRef: RoleRef, namespace: string): readonly Rule[] {
  return rbac.rulesOf(roleRef, namespace);
}

function refuse(
  rbac: Rbac,
  { user, namespace, resource, object }: Attributes,
  wanted: readonly Rule[],
): void {
  const held = [...rbac.rulesFor(user, namespace)].flatMap(({ rules }) => rules);
  const missing = uncovered(held, wanted);
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  const list = missing.map(compact).join('\n');
  const why = `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${list}`;
  throw errors.forbidden(resource, object?.metadata.name ?? '', why);
}

const COMPACT_FIELDS = {
  APIGroups: 'apiGroups',
  Resources: 'resources',
  NonResourceURLs: 'nonResourceURLs',
  ResourceNames: 'resourceNames',
  Verbs: 'verbs',
} as const;

/** As upstream prints a rule: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
function compact(rule: Rule): string {
  const parts = Object.entries(COMPACT_FIELDS).flatMap(([label, field]) => {
    const values = rule[field] ?? [];
    return values.length === 0 ? [] : [`${label}:[${values.map((text) => JSON.stringify(text)).join(' ')}]`];
  });
  return `{${parts.join(', ')}}`;
}

function rulesIn(object: KubeObject): readonly Rule[] {
  return (object as WithRules).rules ?? [];
}

function isSameRole(object: KubeObject, old: KubeObject | undefined): boolean {
  if (old === undefined) return false;
  return (
    semanticEqual(rulesIn(object), rulesIn(old)) && semanticEqual(aggregationOf(object), aggregationOf(old))
  );
}

function aggregationOf(role: ClusterRole | undefined): ClusterRole['aggregationRule'] {
  return role?.aggregationRule;
}

function isSameBinding(binding: RoleBinding, old: RoleBinding | undefined): boolean {
  return (
    old !== undefined &&
    semanticEqual(binding.roleRef, old.roleRef) &&
    semanticEqual(binding.subjects, old.subjects)
  );
}
