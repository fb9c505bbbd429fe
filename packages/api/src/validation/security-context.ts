/** What a pod or a container may be on the node: users, groups, profiles, capabilities. */
import { forbidden, invalid, required } from '../field-errors.ts';
import type { PodSpec, SeccompProfile, SecurityContext } from '../generated/types.ts';
import { type Errors, nonNegative, oneOf, optionalOneOf } from './checks.ts';

const SYSCTL = /^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/;
const ID_MAX = 2_147_483_647;

function* userId(field: string, id: number | undefined): Errors {
  if (id !== undefined && (id < 0 || id > ID_MAX))
    yield invalid(field, id, 'must be between 0 and 2147483647, inclusive');
}

export function* validatePodSecurityContext(spec: PodSpec, path: string): Errors {
  const context = spec.securityContext;
  if (spec.shareProcessNamespace === true && spec.hostPID === true) {
    yield invalid(
      path.replace(/securityContext$/, 'shareProcessNamespace'),
      true,
      'ShareProcessNamespace and HostPID cannot both be enabled',
    );
  }
  if (context === undefined) return;
  yield* userId(`${path}.fsGroup`, context.fsGroup);
  yield* userId(`${path}.runAsUser`, context.runAsUser);
  yield* userId(`${path}.runAsGroup`, context.runAsGroup);
  for (const [index, group] of (context.supplementalGroups ?? []).entries()) {
    yield* userId(`${path}.supplementalGroups[${index}]`, group);
  }
  const names = new Set<string>();
  for (const [index, { name }] of (context.sysctls ?? []).entries()) {
    const at = `${path}.sysctls[${index}].name`;
    if (!name) yield required(at);
    else if (!SYSCTL.test(name))
      yield invalid(at, name, `must have at most 253 characters and match regex ${SYSCTL.source}`);
    else if (names.has(name)) yield { type: 'FieldValueDuplicate', field: at, badValue: name };
    names.add(name);
  }
  yield* optionalOneOf(`${path}.fsGroupChangePolicy`, context.fsGroupChangePolicy, [
    'Always',
    'OnRootMismatch',
  ]);
  yield* optionalOneOf(`${path}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, [
    'Merge',
    'Strict',
  ]);
  yield* validateProfile(context.seccompProfile, `${path}.seccompProfile`);
  yield* validateProfile(context.appArmorProfile, `${path}.appArmorProfile`);
}

export function* validateSecurityContext(context: SecurityContext | undefined, path: string): Errors {
  if (context === undefined) return;
  yield* nonNegative(`${path}.runAsUser`, context.runAsUser);
  yield* nonNegative(`${path}.runAsGroup`, context.runAsGroup);
  yield* optionalOneOf(`${path}.procMount`, context.procMount, ['Default', 'Unmasked']);
  yield* validateProfile(context.seccompProfile, `${path}.seccompProfile`);
  yield* validateProfile(context.appArmorProfile, `${path}.appArmorProfile`);
  if (context.allowPrivilegeEscalation !== false) return;
  const field = `${path}.allowPrivilegeEscalation`;
  if (context.privileged === true) {
    yield invalid(field, false, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true');
  }
  if (context.capabilities?.add?.some((capability) => capability === 'CAP_SYS_ADMIN')) {
    yield invalid(
      field,
      false,
      'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
    );
  }
}

/** Seccomp and AppArmor profiles have one shape. */
function* validateProfile(profile: SeccompProfile | undefined, path: string): Errors {
  if (profile === undefined) return;
  yield* oneOf(`${path}.type`, profile.type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
  if (profile.type === 'Localhost') {
    if (!profile.localhostProfile)
      yield required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
  } else if (profile.localhostProfile !== undefined) {
    yield invalid(
      `${path}.localhostProfile`,
      profile.localhostProfile,
      'can only be set when seccomp type is Localhost',
    );
  }
}

/** With its own user namespace a pod cannot share the host's others. */
export function* validateHostUsers(spec: PodSpec, path: string): Errors {
  if (spec.hostUsers !== false) return;
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec[field] === true) yield forbidden(`${path}.${field}`, 'when `pod.Spec.HostUsers` is false');
  }
}
