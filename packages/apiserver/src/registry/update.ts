import { errors, type KubeObject } from '@kubelab/api';
import { allowsCreateOnUpdate, allowsUnconditionalUpdate, applyPatch, parsePatch } from '@kubelab/api/server';
import type { Outcome } from '../core/messages.ts';
import { applyObject } from './apply.ts';
import { checkUnknown, isDryRun, objectOfBody, withMetadata } from './body.ts';
import { type Call, keyOfCall } from './call.ts';
import { checkPlace, storeNew } from './create.ts';
import type { Registry } from './registry.ts';
import { replace } from './replace.ts';

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
    const created: Partial<KubeObject['metadata']> = body.metadata;
    delete created.resourceVersion;
    delete created.managedFields;
    const entry = await storeNew(call, registry, body, isDryRun(call.query.getAll('dryRun')));
    return { kind: 'entry', code: 201, entry };
  }
  return replace(call, registry, (old) => {
    const object = structuredClone(body);
    const { resourceVersion } = object.metadata;
    if (!resourceVersion && !allowsUnconditionalUpdate(call.resource)) {
      throw errors.invalid(call.resource, call.info.name, [
        {
          type: 'FieldValueInvalid',
          field: 'metadata.resourceVersion',
          badValue: 0,
          detail: 'must be specified for an update',
        },
      ]);
    }
    object.metadata.resourceVersion ||= old.metadata.resourceVersion;
    return object;
  });
}

/** PATCH: json, merge and strategic. */
export async function patchObject(call: Call, registry: Registry): Promise<Outcome> {
  const patch = parsePatch(await call.request.body(), call.request.headers['content-type']);
  if (patch.kind === 'apply') return applyObject(call, registry, patch.value);
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
