/** Pods: the spec on create; on update the few fields a running pod may change. */
import { forbidden, invalid, required } from '../field-errors.ts';
import type { Binding, Container, ContainerStatus, Pod, PodSpec, Toleration } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { podQosClass } from '../helpers/pod-resources.ts';
import { isMirrorPod, isSidecar } from '../helpers/pods.ts';
import { validateTolerations } from './affinity.ts';
import { type Errors, immutable } from './checks.ts';
import { changedFields } from './changed-fields.ts';
import { validatePodSpec } from './pod-spec.ts';

export function* validatePod(pod: Pod, old?: Pod, subresource?: string): Errors {
  if (subresource === 'status' && old !== undefined) {
    yield* validatePodStatus(pod, old);
    return;
  }
  yield* validatePodSpec(pod.spec, 'spec', true);
  if (!pod.spec.serviceAccountName) yield* validateNoTokenWithoutAccount(pod.spec);
  if (old === undefined) {
    if ((pod.spec.ephemeralContainers ?? []).length > 0) {
      yield forbidden('spec.ephemeralContainers', 'cannot be set on create');
    }
  } else if (subresource === 'ephemeralcontainers') yield* validateEphemeralUpdate(pod, old);
  else if (subresource === 'resize') yield* validateResize(pod, old);
  else yield* validatePodUpdate(pod, old);
}

function* validateNoTokenWithoutAccount(spec: PodSpec): Errors {
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const [i, source] of (volume.projected?.sources ?? []).entries()) {
      if (source.serviceAccountToken === undefined) continue;
      const at = `spec.volumes[${index}].projected.sources[${i}].serviceAccountToken`;
      yield forbidden(at, 'must not be specified when serviceAccountName is not set');
    }
  }
}

const UPDATABLE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

function* validatePodUpdate(pod: Pod, old: Pod): Errors {
  const { spec } = pod;
  for (const kind of ['containers', 'initContainers'] as const) {
    if ((spec[kind] ?? []).length === (old.spec[kind] ?? []).length) continue;
    yield forbidden(`spec.${kind}`, 'pod updates may not add or remove containers');
    return;
  }
  yield* validateDeadlineUpdate(spec.activeDeadlineSeconds, old.spec.activeDeadlineSeconds);
  yield* validateTolerationsUpdate(spec.tolerations ?? [], old.spec.tolerations ?? []);
  yield* validateGatesUpdate(spec, old.spec);
  const munged = withUpdatableFieldsOf(spec, old.spec);
  const changed = changedFields(munged, old.spec, 'spec');
  if (changed.length > 0) {
    const why = `pod updates may not change fields other than ${UPDATABLE}\nchanged: ${changed.join(', ')}`;
    yield forbidden('spec', why);
  }
}

/** `spec` as it would be had the user not touched what they may touch. */
function withUpdatableFieldsOf(spec: PodSpec, old: PodSpec): PodSpec {
  const images = (containers: Container[] | undefined, before: Container[] | undefined) =>
    containers?.map((container, index) => ({ ...container, image: before?.[index]?.image }));
  const munged: PodSpec = {
    ...spec,
    containers: images(spec.containers, old.containers) ?? [],
    initContainers: images(spec.initContainers, old.initContainers),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
  };
  const grace = old.terminationGracePeriodSeconds ?? 0;
  if (grace < 0 && spec.terminationGracePeriodSeconds === 1) munged.terminationGracePeriodSeconds = grace;
  // While gates hold the pod back nobody has placed it: where it may go can still be narrowed.
  if ((old.schedulingGates ?? []).length > 0) {
    if (Object.entries(old.nodeSelector ?? {}).every(([key, value]) => spec.nodeSelector?.[key] === value)) {
      munged.nodeSelector = old.nodeSelector;
    }
    if (old.affinity?.nodeAffinity === undefined && old.affinity === undefined) munged.affinity = undefined;
  }
  return munged;
}

function* validateDeadlineUpdate(deadline: number | undefined, old: number | undefined): Errors {
  if (old === undefined) return;
  const path = 'spec.activeDeadlineSeconds';
  if (deadline === undefined)
    yield invalid(path, null, 'must not update from a positive integer to nil value');
  else if (deadline > old) yield invalid(path, deadline, 'must be less than or equal to previous value');
}

function* validateTolerationsUpdate(tolerations: readonly Toleration[], old: readonly Toleration[]): Errors {
  const isKept = (before: Toleration) =>
    tolerations.some((t) =>
      semanticEqual({ ...t, tolerationSeconds: undefined }, { ...before, tolerationSeconds: undefined }),
    );
  if (!old.every(isKept)) {
    yield forbidden(
      'spec.tolerations',
      'existing toleration can not be modified except its tolerationSeconds',
    );
    return;
  }
  if (!semanticEqual(tolerations, old)) yield* validateTolerations(tolerations, 'spec.tolerations');
}

function* validateGatesUpdate(spec: PodSpec, old: PodSpec): Errors {
  const before = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  for (const [index, { name }] of (spec.schedulingGates ?? []).entries()) {
    if (before.has(name)) continue;
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    yield forbidden(`spec.schedulingGates[${index}].name`, why);
  }
}

function* validateEphemeralUpdate(pod: Pod, old: Pod): Errors {
  if (isMirrorPod(old)) {
    yield forbidden('', 'static pods do not support ephemeral containers');
    return;
  }
  const path = 'spec.ephemeralContainers';
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const before of old.spec.ephemeralContainers ?? []) {
    const after = now.get(before.name);
    if (after === undefined)
      yield forbidden(path, `existing ephemeral containers "${before.name}" may not be removed\n`);
    else if (!semanticEqual(after, before)) {
      const changed = changedFields(after, before, path).join(', ');
      yield forbidden(
        path,
        `existing ephemeral containers "${before.name}" may not be changed\nchanged: ${changed}`,
      );
    }
  }
}

function* validateResize(pod: Pod, old: Pod): Errors {
  if (isMirrorPod(old)) {
    yield forbidden('', 'static pods cannot be resized');
    return;
  }
  const before = old.status?.qosClass ?? podQosClass(old);
  if (before !== podQosClass(pod))
    yield invalid('spec', before, 'Pod QOS Class may not change as a result of resizing');
  yield* validateResizedContainers(pod.spec.containers, old.spec.containers, 'spec.containers', false);
  yield* validateResizedContainers(
    pod.spec.initContainers ?? [],
    old.spec.initContainers ?? [],
    'spec.initContainers',
    true,
  );
}

function* validateResizedContainers(
  list: Container[],
  old: Container[],
  path: string,
  isInit: boolean,
): Errors {
  for (const [index, before] of old.entries()) {
    const [now, then] = [list[index]?.resources, before.resources];
    if (isInit && !isSidecar(before)) {
      if (!semanticEqual(now, then))
        yield forbidden('spec', 'resources for non-sidecar init containers are immutable');
      continue;
    }
    for (const side of ['requests', 'limits'] as const) {
      const isRemoved = Object.keys(then?.[side] ?? {}).some((name) => now?.[side]?.[name] === undefined);
      if (isRemoved)
        yield forbidden(`${path}[${index}].resources.${side}`, `resource ${side} cannot be removed`);
      const others = (list: Record<string, unknown> | undefined) => ({
        ...list,
        cpu: undefined,
        memory: undefined,
      });
      if (!semanticEqual(others(now?.[side]), others(then?.[side]))) {
        yield forbidden('spec', 'only cpu and memory resources are mutable');
      }
    }
  }
}

function* validatePodStatus(pod: Pod, old: Pod): Errors {
  yield* immutable('status.qosClass', pod.status?.qosClass ?? '', old.status?.qosClass ?? '');
  const policy = old.spec.restartPolicy;
  const sidecars = new Set((old.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const mayRestart = (status: ContainerStatus) =>
    policy === 'Always' ||
    sidecars.has(status.name) ||
    (policy === 'OnFailure' && status.state?.terminated?.exitCode !== 0);
  for (const kind of ['containerStatuses', 'initContainerStatuses'] as const) {
    for (const [index, before] of (old.status?.[kind] ?? []).entries()) {
      if (before.state?.terminated === undefined || mayRestart(before)) continue;
      const after = pod.status?.[kind]?.find(({ name }) => name === before.name);
      if (after === undefined || after.state?.terminated !== undefined) continue;
      yield forbidden(`status.${kind}[${index}].state`, 'may not be transitioned to non-terminated state');
    }
  }
}

/** The body of POST `pods/{name}/binding`. */
export function* validateBinding(binding: Binding): Errors {
  const { kind, name } = binding.target ?? {};
  if (kind && kind !== 'Node') {
    yield {
      type: 'FieldValueNotSupported',
      field: 'target.kind',
      badValue: kind,
      detail: 'supported values: "Node", "<empty>"',
    };
  }
  if (!name) yield required('target.name');
}
