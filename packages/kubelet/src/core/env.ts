/**
 * A container's environment. Pure: ConfigMaps and Secrets come in as values. Upstream: `makeEnvironmentVariables`.
 * Later names win over earlier ones: service variables, then envFrom, then env; `$(NAME)` sees what came before.
 */
import { Buffer } from 'node:buffer';
import { expand } from './expand.ts';
import { type FieldContext, fieldValue, resourceFieldValue } from './field-ref.ts';
import type { ContainerSpec } from './types.ts';

/** A ConfigMap or Secret by name: its texts, or undefined when there is none. */
export type KeyedObjects = (
  kind: 'ConfigMap' | 'Secret',
  name: string,
) => Readonly<Record<string, string>> | undefined;

export interface EnvInput {
  readonly container: ContainerSpec;
  readonly services: ReadonlyMap<string, string>;
  readonly objects: KeyedObjects;
  readonly fields: FieldContext;
}

/** Something the pod names is not there: `CreateContainerConfigError`. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

export function containerEnv({ container, services, objects, fields }: EnvInput): Map<string, string> {
  const env = new Map(services);
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const ref = configMapRef ?? secretRef;
    if (ref?.name === undefined) continue;
    const kind = configMapRef === undefined ? 'Secret' : 'ConfigMap';
    const data = objects(kind, ref.name);
    if (data === undefined && ref.optional !== true) throw missing(kind, ref.name);
    for (const [key, value] of Object.entries(data ?? {})) env.set(prefix + key, value);
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const found =
      valueFrom === undefined
        ? expand(value ?? '', (other) => env.get(other))
        : valueOf(valueFrom, container, objects, fields);
    if (found !== undefined) env.set(name, found);
  }
  return env;
}

type ValueFrom = NonNullable<NonNullable<ContainerSpec['env']>[number]['valueFrom']>;

function valueOf(
  from: ValueFrom,
  container: ContainerSpec,
  objects: KeyedObjects,
  fields: FieldContext,
): string | undefined {
  if (from.fieldRef !== undefined) return fieldValue(from.fieldRef.fieldPath, fields);
  if (from.resourceFieldRef !== undefined)
    return resourceFieldValue(from.resourceFieldRef, container, fields);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (ref?.name === undefined) return undefined;
  const kind = from.configMapKeyRef === undefined ? 'Secret' : 'ConfigMap';
  const data = objects(kind, ref.name);
  const value = data?.[ref.key];
  if (value !== undefined || ref.optional === true) return value;
  if (data === undefined) throw missing(kind, ref.name);
  throw new ConfigError(
    `couldn't find key ${ref.key} in ${kind} ${fields.pod.metadata.namespace}/${ref.name}`,
  );
}

function missing(kind: string, name: string): ConfigError {
  return new ConfigError(`${kind.toLowerCase()} "${name}" not found`);
}

/** Names of the ConfigMaps and Secrets that a container's environment needs. */
export function envReferences(container: ContainerSpec): { kind: 'ConfigMap' | 'Secret'; name: string }[] {
  const refs: { kind: 'ConfigMap' | 'Secret'; name: string }[] = [];
  const add = (kind: 'ConfigMap' | 'Secret', name: string | undefined) => {
    if (name !== undefined) refs.push({ kind, name });
  };
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    add('ConfigMap', configMapRef?.name);
    add('Secret', secretRef?.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    add('ConfigMap', valueFrom?.configMapKeyRef?.name);
    add('Secret', valueFrom?.secretKeyRef?.name);
  }
  return refs;
}

/** A Secret's values as text, as an environment can hold them. */
export function secretTexts(data: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}
