import { errors, type KubeObject, semanticEqual } from '@kubelab/api';
import {
  allowsCreateOnUpdate,
  allowsUnconditionalUpdate,
  applyDefaults,
  applyPatch,
  isReadyToRemove,
  parsePatch,
  prepareForUpdate,
} from '@kubelab/api/server';
import { CacheEntry, encodeForStore } from '../cache/entry.ts';
import type { Outcome } from '../core/messages.ts';
import { withAllocation } from './allocator.ts';
import { checkUnknown, isDryRun, objectOfBody, withMetadata } from './body.ts';
import { type Call, keyOfCall } from './call.ts';
import { attributesOf, checkPlace, refuseInvalid, storeNew } from './create.ts';
import { type Change, ClaimTakenError, type Companions } from './objects.ts';
import type { Registry } from './registry.ts';

/** PUT: of the object, or of its status or another view of it. */
export async function updateObject(call: Call, registry: Registry): Promise<Outcome> {
  const body = await objectOfBody(call, call.resource);
  body.metadata.name ||= call.info.name;
  if (body.metadata.name !== call.info.name) {
    const names = `the name of the object (${body.metadata.name}) does not match the name on the URL (${call.info.name})`;
    throw errors.badRequest(names);
  }
  checkPlace(call, body);
  if (await isCreation(call, registry)) {
    delete (body.metadata as Partial<KubeObject['metadata']>).resourceVersion;
    const entry = await storeNew(call, registry, body, isDryRun(call.query.getAll('dryRun')));
    return { kind: 'entry', code: 201, entry };
  }
  return replace(call, registry, (old) => {
    const object = structuredClone(body);
    const { resourceVersion } = object.metadata;
    if (!resourceVersion && !allowsUnconditionalUpdate(call.resource)) {
      throw errors.invalid(call.resource, call.info.name, [
        { type: 'FieldValueInvalid', field: 'metadata.resourceVersion', badValue: 0, detail: 'must be specified for an update' },
      ]);
    }
    object.metadata.resourceVersion ||= old.metadata.resourceVersion;
    return object;
  });
}

/** PATCH: json, merge and strategic. */
export async function patchObject(call: Call, registry: Registry): Promise<Outcome> {
  const patch = parsePatch(await call.request.body(), call.request.headers['content-type']);
  return replace(call, registry, (old) => {
    const decoded = applyPatch(call.resource, structuredClone(old), patch);
    checkUnknown(call, decoded);
    return withMetadata(decoded.object);
  });
}

/** A few kinds are created by PUT when they are not there; that needs the right to create. */
async function isCreation(call: Call, { objects }: Registry): Promise<boolean> {
  if (call.subresource !== undefined || !allowsCreateOnUpdate(call.resource)) return false;
  if (objects.of(call.resource).get(keyOfCall(call)) !== undefined) return false;
  await objects.upToDate();
  if (objects.of(call.resource).get(keyOfCall(call)) !== undefined) return false;
  await call.mayAlso('create');
  return true;
}

/** Replaces the stored object by what `make` makes of it, again and again until nobody else wrote in between. */
export async function replace(
  call: Call,
  registry: Registry,
  make: (old: KubeObject) => KubeObject,
): Promise<Outcome> {
  const allocator = registry.allocators.find((candidate) => candidate.handles(call.resource));
  const dryRun = isDryRun(call.query.getAll('dryRun'));
  let asked: KubeObject | undefined;
  let dry: CacheEntry | undefined;
  const changed = await withAllocation(
    call.subresource === undefined ? allocator : undefined,
    () => asked ?? { metadata: {} as KubeObject['metadata'] },
    (allocate) =>
      registry.objects.update(call.resource, keyOfCall(call), async (current) => {
        if (current === undefined) throw errors.notFound(call.resource, call.info.name);
        const old = current.copy();
        const object = make(old);
        const change = await decide(call, registry, object, current, (o) => {
          asked = structuredClone(o);
          return allocate(o, current.copy());
        });
        if (!dryRun) return change;
        // A dry run ends here, with what would have been stored.
        if (change.type === 'put') dry = CacheEntry.fromStored(current.key, current.revision, encodeForStore(change.object), 'MODIFIED');
        return { type: 'none' };
      }),
    (error) => error instanceof ClaimTakenError,
  );
  return { kind: 'entry', code: 200, entry: dry ?? changed.entry };
}

async function decide(
  call: Call,
  registry: Registry,
  object: KubeObject,
  current: CacheEntry,
  allocate: (object: KubeObject) => Companions | undefined,
): Promise<Change> {
  const { resource } = call;
  const old = current.object;
  checkPreconditions(call, object, current);
  delete object.metadata.managedFields;
  applyDefaults(resource, object);
  const attributes = attributesOf(call, 'UPDATE', object, old);
  await registry.admission.admit(attributes);
  prepareForUpdate(resource, object, current.copy(), call.subresource?.name);
  const companions = allocate(object);
  refuseInvalid(resource, object, old, call.subresource?.name);
  refuseNewFinalizers(call, object, old);
  await registry.admission.validate(attributes);
  for (const guard of registry.guards) await guard.validate?.(attributes);
  if (isReadyToRemove(resource, object)) return { type: 'delete', with: releaseOf(call, registry, old) };
  object.metadata.resourceVersion = old.metadata.resourceVersion;
  if (semanticEqual(object, old)) return { type: 'none' };
  return { type: 'put', object, with: companions };
}

function releaseOf(call: Call, registry: Registry, object: KubeObject): Companions | undefined {
  return registry.allocators.find((candidate) => candidate.handles(call.resource))?.release(object);
}

function checkPreconditions({ resource, info }: Call, object: KubeObject, current: CacheEntry): void {
  const { resourceVersion, uid } = object.metadata;
  if (uid && uid !== current.object.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.object.metadata.uid}`;
    throw errors.conflict(resource, info.name, why);
  }
  if (resourceVersion !== undefined && resourceVersion !== '' && resourceVersion !== String(current.revision)) {
    throw errors.conflict(resource, info.name);
  }
}

function refuseNewFinalizers({ resource }: Call, object: KubeObject, old: KubeObject): void {
  if (old.metadata.deletionTimestamp === undefined) return;
  const before = new Set(old.metadata.finalizers);
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers [${added.map((f) => JSON.stringify(f)).join(' ')}]`;
  throw errors.invalid(resource, object.metadata.name, [
    { type: 'FieldValueForbidden', field: 'metadata.finalizers', detail },
  ]);
}
