import type { ApiError } from '@kubelab/api';
import { errors, isStatus, type KubeObject, qualifiedResource, successStatus } from '@kubelab/api';
import { decodeAs, planDeletion } from '@kubelab/api/server';
import { CacheEntry, encodeForStore } from '../cache/entry.ts';
import { listOptions } from '../core/list-options.ts';
import type { Outcome } from '../core/messages.ts';
import { isTrue } from '../core/request-info.ts';
import { isDryRun } from './body.ts';
import { type Call, keyOfCall } from './call.ts';
import { attributesOf } from './create.ts';
import type { Changed } from './objects.ts';
import { listObjects } from './read.ts';
import type { Registry } from './registry.ts';

const OPTIONS_DEFINITION = 'DeleteOptions';

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
  dryRun?: string[];
}

/** These answer their deletion with the object, the others with a Status. */
const ANSWERS_WITH_OBJECT = new Set([
  'pods',
  'podtemplates',
  'persistentvolumes',
  'persistentvolumeclaims',
  'resourcequotas',
  'services',
  'serviceaccounts',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'storageclasses.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
]);

export async function deleteObject(call: Call, registry: Registry): Promise<Outcome> {
  const options = await deleteOptions(call);
  const { entry, type } = await deleteByKey(call, registry, keyOfCall(call), options);
  if (type !== 'delete' || ANSWERS_WITH_OBJECT.has(qualifiedResource(call.resource)))
    return { kind: 'entry', code: 200, entry };
  const { group, resource } = call.resource;
  const details = {
    name: entry.name,
    ...(group && { group }),
    kind: resource,
    uid: entry.object.metadata.uid,
  };
  return { kind: 'object', code: 200, object: successStatus(details) };
}

/** DELETE of a collection: each object that matches, as if deleted by itself. */
export async function deleteCollection(call: Call, registry: Registry): Promise<Outcome> {
  const options = await deleteOptions(call);
  listOptions(call.query, 'list');
  const found = await listObjects(call, registry.objects);
  if (found.kind !== 'list') throw errors.internalError('a list was expected');
  const deleted: CacheEntry[] = [];
  for (const { key } of found.entries) {
    try {
      deleted.push((await deleteByKey(call, registry, key, options)).entry);
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
  return { kind: 'list', entries: deleted, meta: { resourceVersion: found.meta.resourceVersion } };
}

export async function deleteByKey(
  call: Call,
  registry: Registry,
  key: string,
  options: DeleteOptions,
): Promise<Changed> {
  const { resource } = call;
  const { objects, admission } = registry;
  const dryRun = isDryRun([...(options.dryRun ?? []), ...call.query.getAll('dryRun')]);
  let dry: Changed | undefined;
  const changed = await objects.update(resource, key, async (current) => {
    if (current === undefined) throw errors.notFound(resource, key.slice(key.indexOf('/') + 1));
    const object = current.object;
    checkPreconditions(call, object, options);
    const attributes = { ...attributesOf(call, 'DELETE', undefined, object), name: object.metadata.name };
    await admission.admit(attributes);
    await admission.validate(attributes);
    const plan = planDeletion(resource, object, options, objects.clock.now());
    if (dryRun) {
      const marked = plan.action === 'mark' ? entryOf(current, plan.object) : current;
      dry = { type: plan.action === 'remove' ? 'delete' : 'put', entry: marked };
      return { type: 'none' };
    }
    switch (plan.action) {
      case 'none':
        return { type: 'none' };
      case 'mark':
        return { type: 'put', object: plan.object };
      case 'remove':
        return {
          type: 'delete',
          with: registry.allocators.find((one) => one.handles(resource))?.release(object),
        };
    }
  });
  return dry ?? changed;
}

function entryOf(current: CacheEntry, object: KubeObject): CacheEntry {
  return CacheEntry.fromStored(current.key, current.revision, encodeForStore(object), 'MODIFIED');
}

function checkPreconditions({ resource }: Call, object: KubeObject, { preconditions }: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw errors.conflict(resource, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const asked = preconditions.resourceVersion;
    const why = `Precondition failed: ResourceVersion in precondition: ${asked}, ResourceVersion in object meta: ${resourceVersion}`;
    throw errors.conflict(resource, name, why);
  }
}

/** From the body; without one, from the query. */
export async function deleteOptions(call: Call): Promise<DeleteOptions> {
  const body = await call.request.body();
  if (body.length > 0) {
    return decodeAs<DeleteOptions>(OPTIONS_DEFINITION, body, call.request.headers['content-type']).object;
  }
  const { query } = call;
  const options: DeleteOptions = {};
  const seconds = query.get('gracePeriodSeconds');
  if (seconds !== null) {
    if (!/^-?\d{1,10}$/.test(seconds)) throw badNumber(seconds);
    options.gracePeriodSeconds = Number(seconds);
  }
  const policy = query.get('propagationPolicy');
  if (policy !== null) options.propagationPolicy = policy;
  const orphan = query.get('orphanDependents');
  if (orphan !== null) options.orphanDependents = isTrue(orphan);
  return options;
}

function badNumber(text: string): ApiError {
  return errors.badRequest(`invalid value "${text.slice(0, 40)}" for query parameter "gracePeriodSeconds"`);
}
