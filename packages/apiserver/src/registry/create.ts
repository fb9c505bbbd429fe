import { errors, isStatus, type KubeObject } from '@kubelab/api';
import { applyDefaults, prepareForCreate, type ServedResource, validate } from '@kubelab/api/server';
import { randomSuffix, rfc3339 } from '@kubelab/component-base';
import type { Attributes } from '../admission/plugin.ts';
import { CacheEntry, encodeForStore } from '../cache/entry.ts';
import type { Outcome } from '../core/messages.ts';
import { withAllocation } from './allocator.ts';
import { isDryRun, objectOfBody } from './body.ts';
import type { Call } from './call.ts';
import { ClaimTakenError } from './objects.ts';
import type { Registry } from './registry.ts';

const GENERATED_BASE_MAX = 58;
const GENERATE_ATTEMPTS = 8;

export async function createObject(call: Call, registry: Registry): Promise<Outcome> {
  const object = await objectOfBody(call, call.resource);
  checkPlace(call, object);
  if (object.metadata.resourceVersion) {
    throw errors.badRequest('resourceVersion should not be set on objects to be created');
  }
  delete object.metadata.managedFields;
  const isGenerated = !object.metadata.name && Boolean(object.metadata.generateName);
  for (let attempt = 1; ; attempt++) {
    try {
      const fresh = attempt === 1 ? object : await objectOfBody(call, call.resource);
      if (isGenerated) fresh.metadata.name = generateName(fresh.metadata.generateName ?? '', registry);
      const entry = await storeNew(call, registry, fresh, isDryRun(call.query.getAll('dryRun')));
      return { kind: 'entry', code: 201, entry };
    } catch (error) {
      if (!isGenerated || !isStatus(error, 'AlreadyExists')) throw error;
      if (attempt === GENERATE_ATTEMPTS)
        throw errors.generateNameConflict(call.resource, error.status.details?.name ?? '');
    }
  }
}

/**
 * Everything between a decoded object and the store: identity, defaults, admission, strategy, allocation,
 * validation.
 */
export async function storeNew(
  call: Call,
  registry: Registry,
  object: KubeObject,
  dryRun: boolean,
): Promise<CacheEntry> {
  const { resource } = call;
  const { objects, admission } = registry;
  giveIdentity(call, registry, object);
  applyDefaults(resource, object);
  const attributes = attributesOf(call, 'CREATE', object, undefined);
  await admission.admit(attributes);
  prepareForCreate(resource, object);
  const key = resource.namespaced
    ? `${object.metadata.namespace}/${object.metadata.name}`
    : object.metadata.name;
  const allocator = registry.allocators.find((candidate) => candidate.handles(resource));
  const asked = allocator === undefined ? object : structuredClone(object);
  return withAllocation(
    allocator,
    () => asked,
    async (allocate) => {
      // A second attempt starts from what was asked for, not from what was picked before.
      if (asked !== object) Object.assign(object, structuredClone(asked));
      const companions = allocate(object, undefined);
      refuseInvalid(resource, object, undefined);
      await admission.validate(attributes);
      for (const guard of registry.guards) await guard.validate?.(attributes);
      if (!dryRun) return objects.create(resource, key, object, companions);
      if (objects.of(resource).get(key) !== undefined)
        throw errors.alreadyExists(resource, object.metadata.name);
      return CacheEntry.fromStored(key, 0, encodeForStore(object), 'ADDED');
    },
    (error) => error instanceof ClaimTakenError,
  );
}

/** `subresource` decides which changes from `old` are allowed. */
export function refuseInvalid(
  resource: ServedResource,
  object: KubeObject,
  old: KubeObject | undefined,
  subresource?: string,
): void {
  const found = validate(resource, object, old, subresource);
  if (found.length > 0) throw errors.invalid(resource, object.metadata.name ?? '', found);
}

export function attributesOf(
  call: Call,
  operation: Attributes['operation'],
  object: KubeObject | undefined,
  old: KubeObject | undefined,
): Attributes {
  return {
    operation,
    resource: call.resource,
    subresource: call.subresource?.name ?? '',
    namespace: call.info.namespace,
    name: object?.metadata.name ?? call.info.name,
    object,
    old,
    user: call.user,
    warn: (text) => void call.warnings.add(text),
  };
}

/** The namespace of the path wins; a different one in the object is a mistake. */
export function checkPlace(call: Call, object: KubeObject): void {
  const { metadata } = object;
  const { namespace } = call.info;
  if (!call.resource.namespaced) {
    if (metadata.namespace)
      throw errors.badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    delete metadata.namespace;
    return;
  }
  if (namespace === '') throw errors.badRequest('an empty namespace may not be set during creation');
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw errors.badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  metadata.namespace = namespace;
}

function giveIdentity(_call: Call, { objects }: Registry, object: KubeObject): void {
  const { metadata } = object;
  metadata.uid = objects.random.uuid();
  metadata.creationTimestamp = rfc3339(objects.clock.now());
}

function generateName(base: string, { objects }: Registry): string {
  return base.slice(0, GENERATED_BASE_MAX) + randomSuffix(objects.random);
}
