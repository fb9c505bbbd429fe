/** Environment variables and where their values come from. */
import { invalid, required } from '../field-errors.ts';
import type {
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  ObjectFieldSelector,
  ResourceFieldSelector,
} from '../generated/types.ts';
import { configMapKeyErrors, dns1123SubdomainErrors, relaxedEnvNameErrors } from '../names.ts';
import { because, type Errors } from './checks.ts';
import { notSupported } from '../field-errors.ts';

/** What `fieldRef` can name in the environment. */
const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
/** What a downward volume can write to a file. */
const FILE_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.labels',
  'metadata.annotations',
  'metadata.uid',
];
const RESOURCES = [
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
];

export function* validateEnv(variables: readonly EnvVar[] | undefined, path: string): Errors {
  for (const [index, variable] of (variables ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (!variable.name) yield required(`${at}.name`);
    else yield* because(`${at}.name`, variable.name, relaxedEnvNameErrors(variable.name));
    if (variable.valueFrom !== undefined)
      yield* validateValueFrom(variable.valueFrom, variable.value, `${at}.valueFrom`);
  }
}

function* validateValueFrom(source: EnvVarSource, value: string | undefined, path: string): Errors {
  const kinds = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;
  const count = kinds.filter((kind) => source[kind] !== undefined).length;
  if (count === 0) {
    const list = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`';
    yield invalid(path, '', `must specify one of: ${list}`);
  } else if (value) yield invalid(path, '', 'may not be specified when `value` is not empty');
  else if (count > 1) yield invalid(path, '', 'may not have more than one field specified at a time');
  if (source.fieldRef !== undefined) yield* validateFieldRef(source.fieldRef, ENV_FIELDS, `${path}.fieldRef`);
  if (source.resourceFieldRef !== undefined)
    yield* validateResourceRef(source.resourceFieldRef, `${path}.resourceFieldRef`, false);
  if (source.configMapKeyRef !== undefined)
    yield* validateKeyRef(source.configMapKeyRef, `${path}.configMapKeyRef`);
  if (source.secretKeyRef !== undefined) yield* validateKeyRef(source.secretKeyRef, `${path}.secretKeyRef`);
}

export function* validateFileFieldRef(ref: ObjectFieldSelector, path: string): Errors {
  yield* validateFieldRef(ref, FILE_FIELDS, path);
}

function* validateFieldRef(ref: ObjectFieldSelector, supported: readonly string[], path: string): Errors {
  if (!ref.apiVersion) yield required(`${path}.apiVersion`);
  if (!ref.fieldPath) {
    yield required(`${path}.fieldPath`);
    return;
  }
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.test(ref.fieldPath);
  if (!keyed && !supported.includes(ref.fieldPath))
    yield notSupported(`${path}.fieldPath`, ref.fieldPath, supported);
}

export function* validateResourceRef(ref: ResourceFieldSelector, path: string, isVolume: boolean): Errors {
  if (isVolume && !ref.containerName) yield required(`${path}.containerName`);
  if (!ref.resource) yield required(`${path}.resource`);
  else if (!RESOURCES.includes(ref.resource) && !/^(limits|requests)\.hugepages-/.test(ref.resource)) {
    yield notSupported(`${path}.resource`, ref.resource, RESOURCES);
  }
}

function* validateKeyRef(ref: { name?: string | undefined; key?: string | undefined }, path: string): Errors {
  yield* because(`${path}.name`, ref.name ?? '', dns1123SubdomainErrors(ref.name ?? ''));
  if (!ref.key) yield required(`${path}.key`);
  else yield* because(`${path}.key`, ref.key, configMapKeyErrors(ref.key));
}

export function* validateEnvFrom(sources: readonly EnvFromSource[] | undefined, path: string): Errors {
  for (const [index, source] of (sources ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (source.prefix) yield* because(`${at}.prefix`, source.prefix, relaxedEnvNameErrors(source.prefix));
    const { configMapRef, secretRef } = source;
    if (configMapRef === undefined && secretRef === undefined) {
      yield invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`');
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      yield invalid(at, '', 'may not have more than one field specified at a time');
    }
    for (const [kind, ref] of Object.entries({ configMapRef, secretRef })) {
      if (ref === undefined) continue;
      if (!ref.name) yield required(`${at}.${kind}.name`);
      else yield* because(`${at}.${kind}.name`, ref.name, dns1123SubdomainErrors(ref.name));
    }
  }
}
