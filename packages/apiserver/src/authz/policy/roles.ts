import type { PolicyRule, Subject } from '@kubelab/api';
import { componentRoles } from './components.ts';
import { controllerRoles } from './controllers.ts';
import { publicRoles } from './public.ts';
import { userFacingRoles } from './user-facing.ts';

/** A ClusterRole that every cluster has, with who is bound to it. */
export interface BootstrapRole {
  readonly name: string;
  readonly rules?: readonly PolicyRule[];
  /** `admin`: the rules come from all roles labelled for it. */
  readonly aggregates?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Bound to by a ClusterRoleBinding of the same name. */
  readonly subjects?: readonly Subject[];
}

/** A Role in one namespace, with who is bound to it there. */
export interface BootstrapNamespaceRole {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly PolicyRule[];
  readonly subjects: readonly Subject[];
}

export const bootstrapRoles: readonly BootstrapRole[] = [
  ...userFacingRoles,
  ...publicRoles,
  ...componentRoles,
  ...controllerRoles,
];

export { namespaceRoles } from './namespaces.ts';
