import { errors, type KubeObject, semanticEqual } from '@kubelab/api';
import { applyDefaults, isReadyToRemove, prepareForUpdate, trackUpdate } from '@kubelab/api/server';
import { rfc3339 } from '@kubelab/component-base';
import { CacheEntry, encodeForStore } from '../cache/entry.ts';
import type { Outcome } from '../core/messages.ts';
import { withAllocation } from './allocator.ts';
import { fieldManagerOf, isDryRun } from './body.ts';
import { type Call, keyOfCall } from './call.ts';
import { attributesOf, refuseInvalid } from './create.ts';
import { type Change, ClaimTakenError, type Companions, settled } from './objects.ts';
import type { Registry } from './registry.ts';

/** `applied`: the new object already says who owns what. */
type Tracking = 'updated' | 'applied';

/**
 * Replaces the stored object by what `make` makes of it, again and again until nobody else wrote in between.
 */
export async function replace(
  call: Call,
  registry: Registry,
  make: (old: KubeObject) => KubeObject,
  tracking: Tracking = 'updated',
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
        const change = await decide(
          call,
          registry,
          object,
          current,
          (o) => {
            asked = structuredClone(o);
            return allocate(o, current.copy());
          },
          tracking,
        );
        if (!dryRun) return change;
        // A dry run ends here, with what would have been stored.
        if (change.type === 'put')
          dry = CacheEntry.fromStored(
            current.key,
            current.revision,
            encodeForStore(change.object),
            'MODIFIED',
          );
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
  tracking: Tracking,
): Promise<Change> {
  const { resource } = call;
  const old = current.object;
  checkPreconditions(call, object, current);
  const isReset = keepOwners(object, old, tracking);
  applyDefaults(resource, object);
  const attributes = attributesOf(call, 'UPDATE', object, old);
  await registry.admission.admit(attributes);
  prepareForUpdate(resource, object, current.copy(), call.subresource?.name);
  const companions = allocate(object);
  refuseInvalid(resource, object, old, call.subresource?.name);
  await registry.admission.validate(attributes);
  for (const guard of registry.guards) await guard.validate?.(attributes);
  if (isReadyToRemove(resource, object)) return { type: 'delete', with: releaseOf(call, registry, old) };
  object.metadata.resourceVersion = old.metadata.resourceVersion;
  if (semanticEqual(object, old)) return { type: 'none' };
  if (tracking === 'applied' || isReset) return { type: 'put', object, with: companions };
  const tracked = trackUpdate(resource, old, object, {
    manager: fieldManagerOf(call),
    subresource: call.subresource?.name ?? '',
    nowText: rfc3339(registry.objects.clock.now()),
  });
  return { type: 'put', object: tracked, with: companions };
}

/**
 * Who owns which field is the server's to say; true when the update asks to forget it all, by an empty list.
 */
function keepOwners(object: KubeObject, old: KubeObject, tracking: Tracking): boolean {
  if (tracking === 'applied') return false;
  const sent = object.metadata.managedFields;
  const isReset = sent !== undefined && sent.every((entry) => Object.keys(entry).length === 0);
  const kept = isReset ? undefined : old.metadata.managedFields;
  if (kept === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = kept;
  return isReset;
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
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== String(current.revision)
  ) {
    const refusal = errors.conflict(resource, info.name);
    // Versions only go up: what is older than what the cache shows is older than what there is.
    throw Number(resourceVersion) < current.revision ? settled(refusal) : refusal;
  }
}
