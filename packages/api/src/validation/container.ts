/** One container: its name, image, ports, mounts, and what only some kinds of container may have. */
import { duplicate, forbidden, fieldNotFound, invalid, required } from '../field-errors.ts';
import type {
  Container,
  ContainerPort,
  EphemeralContainer,
  Volume,
  VolumeMount,
} from '../generated/types.ts';
import { portNameErrors } from '../names.ts';
import { because, dnsLabel, type Errors, ipAddress, oneOf, portNumber, PROTOCOLS } from './checks.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { validateLifecycle, validateProbe } from './probe.ts';
import { validateRequirements } from './resources.ts';
import { validateSecurityContext } from './security-context.ts';
import { descendingPath } from './volume.ts';

/** What a container's checks need to know of its pod. */
export interface PodContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly graceSeconds: number | undefined;
  /** False inside templates, which are laxer about image names. */
  readonly isPod: boolean;
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

export function* validateContainers(
  containers: readonly Container[],
  context: PodContext,
  path: string,
): Errors {
  if (containers.length === 0) {
    yield required(path);
    return;
  }
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name);
    names.add(container.name);
    yield* validateRunning(container, context, at);
    if (container.restartPolicy !== undefined)
      yield forbidden(`${at}.restartPolicy`, 'may not be set for non-init containers');
  }
  yield* validateHostPorts(containers, path);
}

export function* validateInitContainers(
  containers: readonly Container[],
  regular: readonly Container[],
  context: PodContext,
  path: string,
): Errors {
  const names = new Set(regular.map(({ name }) => name));
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    const { restartPolicy } = container;
    if (restartPolicy !== undefined) yield* oneOf(`${at}.restartPolicy`, restartPolicy, ['Always']);
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name);
    else if (container.name) names.add(container.name);
    yield* validateHostPorts([container], path);
    if (restartPolicy === 'Always') yield* validateRunning(container, context, at);
    else {
      for (const field of ['lifecycle', ...PROBES] as const) {
        if (container[field] === undefined) continue;
        yield forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always');
      }
    }
  }
}

const FORBIDDEN_IN_EPHEMERAL = [
  'ports',
  'resources',
  'lifecycle',
  ...PROBES,
  'resizePolicy',
  'restartPolicy',
] as const;

export function* validateEphemeralContainers(
  containers: readonly EphemeralContainer[],
  others: readonly Container[],
  context: PodContext,
  path: string,
): Errors {
  const targets = new Set(others.map(({ name }) => name));
  const names = new Set(targets);
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    yield* validateCommon(container, context, at);
    if (names.has(container.name)) yield duplicate(`${at}.name`, container.name);
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !targets.has(target)) yield fieldNotFound(`${at}.targetContainerName`, target);
    for (const field of FORBIDDEN_IN_EPHEMERAL) {
      if (isSet(container[field]))
        yield forbidden(`${at}.${field}`, 'cannot be set for an Ephemeral Container');
    }
    for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ['subPath', 'subPathExpr'] as const) {
        if (mount[field])
          yield forbidden(`${at}.volumeMounts[${i}].${field}`, 'cannot be set for an Ephemeral Container');
      }
    }
  }
}

/** Defaulting leaves empty objects behind: they say nothing. */
function isSet(value: unknown): boolean {
  return (
    value !== undefined && value !== null && (typeof value !== 'object' || Object.keys(value).length > 0)
  );
}

function* validateRunning(container: Container, context: PodContext, path: string): Errors {
  yield* validateLifecycle(container.lifecycle, context.graceSeconds, `${path}.lifecycle`);
  for (const kind of PROBES)
    yield* validateProbe(container[kind], kind, context.graceSeconds, `${path}.${kind}`);
}

function* validateCommon(
  container: Container | EphemeralContainer,
  context: PodContext,
  path: string,
): Errors {
  if (!container.name) yield required(`${path}.name`);
  else yield* dnsLabel(`${path}.name`, container.name);
  if (!container.image) yield required(`${path}.image`);
  else if (context.isPod && container.image !== container.image.trim()) {
    yield invalid(`${path}.image`, container.image, 'must not have leading or trailing whitespace');
  }
  const messagePolicies = ['File', 'FallbackToLogsOnError'];
  yield* oneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies);
  yield* validatePorts(container.ports ?? [], `${path}.ports`);
  yield* validateEnv(container.env, `${path}.env`);
  yield* validateEnvFrom(container.envFrom, `${path}.envFrom`);
  yield* validateMounts(container, context, `${path}.volumeMounts`);
  yield* oneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']);
  yield* validateRequirements(container.resources, `${path}.resources`);
  yield* validateSecurityContext(container.securityContext, `${path}.securityContext`);
}

function* validatePorts(ports: readonly ContainerPort[], path: string): Errors {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `${path}[${index}]`;
    if (port.name) {
      const reasons = portNameErrors(port.name);
      yield* because(`${at}.name`, port.name, reasons);
      if (reasons.length === 0 && names.has(port.name)) yield duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    if (!port.containerPort) yield required(`${at}.containerPort`);
    else yield* portNumber(`${at}.containerPort`, port.containerPort);
    if (port.hostPort) yield* portNumber(`${at}.hostPort`, port.hostPort);
    yield* oneOf(`${at}.protocol`, port.protocol, PROTOCOLS);
    if (port.hostIP) yield* ipAddress(`${at}.hostIP`, port.hostIP);
  }
}

function* validateHostPorts(containers: readonly Container[], path: string): Errors {
  const seen = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [i, port] of (container.ports ?? []).entries()) {
      if (!port.hostPort) continue;
      const key = `${port.protocol}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (seen.has(key)) yield duplicate(`${path}[${index}].ports[${i}].hostPort`, key);
      seen.add(key);
    }
  }
}

function* validateMounts(
  container: Container | EphemeralContainer,
  context: PodContext,
  path: string,
): Errors {
  const taken = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (!mount.name) yield required(`${at}.name`);
    if (!context.volumes.has(mount.name)) yield fieldNotFound(`${at}.name`, mount.name ?? '');
    if (!mount.mountPath) yield required(`${at}.mountPath`);
    if (taken.has(mount.mountPath)) yield invalid(`${at}.mountPath`, mount.mountPath, 'must be unique');
    taken.add(mount.mountPath);
    yield* validateMountOptions(mount, container, path, at);
  }
  for (const [index, device] of (container.volumeDevices ?? []).entries()) {
    const at = `${path.replace(/volumeMounts$/, 'volumeDevices')}[${index}]`;
    if (!device.name) yield required(`${at}.name`);
    else if (!context.volumes.has(device.name)) yield fieldNotFound(`${at}.name`, device.name);
    if (!device.devicePath) yield required(`${at}.devicePath`);
  }
}

function* validateMountOptions(
  mount: VolumeMount,
  container: Container | EphemeralContainer,
  path: string,
  at: string,
): Errors {
  if (mount.subPath) yield* descendingPath(mount.subPath, `${path}.subPath`);
  if (mount.subPathExpr) {
    if (mount.subPath)
      yield invalid(`${at}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive');
    yield* descendingPath(mount.subPathExpr, `${path}.subPathExpr`);
  }
  const propagation = mount.mountPropagation;
  if (propagation === undefined) return;
  yield* oneOf(`${path}.mountPropagation`, propagation, ['Bidirectional', 'HostToContainer', 'None']);
  if (propagation === 'Bidirectional' && container.securityContext?.privileged !== true) {
    yield forbidden(
      `${path}.mountPropagation`,
      'Bidirectional mount propagation is available only to privileged containers',
    );
  }
}
