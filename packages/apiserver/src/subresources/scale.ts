import { errors, formatLabelSelector, type KubeObject, type Scale, semanticEqual } from '@kubelab/api';
import { applyPatch, decodeAs, findResource, parsePatch, type ServedResource } from '@kubelab/api/server';
import type { CacheEntry } from '../cache/entry.ts';
import type { Outcome } from '../core/messages.ts';
import { checkUnknown } from '../registry/body.ts';
import type { Call } from '../registry/call.ts';
import { getObject } from '../registry/read.ts';
import type { Registry } from '../registry/registry.ts';
import { replace } from '../registry/replace.ts';

/** What deployments, replica sets, controllers and stateful sets have in common. */
interface Scalable extends KubeObject {
  spec: { replicas?: number; selector?: unknown };
  status?: { replicas?: number };
}

const REPLICAS_MAX = 2 ** 31 - 1;

export async function getScale(call: Call, { objects }: Registry): Promise<Outcome> {
  return { kind: 'object', code: 200, object: scaleOf(await getObject(call, objects), call.resource) };
}

export async function putScale(call: Call, registry: Registry): Promise<Outcome> {
  const decoded = decodeAs<Scale & KubeObject>(
    'Scale',
    await call.request.body(),
    call.request.headers['content-type'],
  );
  checkUnknown(call, decoded);
  const { metadata } = decoded.object;
  if (metadata?.name && metadata.name !== call.info.name) {
    throw errors.badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${call.info.name})`,
    );
  }
  return rescale(call, registry, () => decoded.object);
}

export async function patchScale(call: Call, registry: Registry): Promise<Outcome> {
  const patch = parsePatch(await call.request.body(), call.request.headers['content-type']);
  return rescale(call, registry, (current) => {
    const decoded = applyPatch(scaleResource(), current, patch);
    checkUnknown(call, decoded);
    return decoded.object as Scale & KubeObject;
  });
}

/** Writes the number of replicas the new Scale has into the object, as an update of its spec. */
async function rescale(
  call: Call,
  registry: Registry,
  make: (current: Scale) => Scale & KubeObject,
): Promise<Outcome> {
  // The write is one of the object itself: main endpoint, all its rules.
  const main: Call = { ...call, subresource: undefined };
  const outcome = await replace(main, registry, (old) => {
    const object = structuredClone(old) as Scalable;
    const before = scaleOfObject(object, call.resource);
    const scale = make(structuredClone(before));
    const { replicas = 0 } = scale.spec ?? {};
    if (!Number.isInteger(replicas) || replicas < 0 || replicas > REPLICAS_MAX) {
      const detail = 'must be greater than or equal to 0';
      throw errors.invalid({ group: 'autoscaling', kind: 'Scale' }, call.info.name, [
        { type: 'FieldValueInvalid', field: 'spec.replicas', badValue: replicas, detail },
      ]);
    }
    object.metadata.resourceVersion = scale.metadata?.resourceVersion || old.metadata.resourceVersion;
    if (scale.metadata?.uid) object.metadata.uid = scale.metadata.uid;
    if (!semanticEqual(before.spec?.replicas ?? 0, replicas)) object.spec.replicas = replicas;
    return object;
  });
  if (outcome.kind !== 'entry') throw errors.internalError('an object was expected');
  return { kind: 'object', code: 200, object: scaleOf(outcome.entry, call.resource) };
}

function scaleOf(entry: CacheEntry, resource: ServedResource): Scale {
  return scaleOfObject(entry.object as Scalable, resource);
}

function scaleOfObject({ metadata, spec, status }: Scalable, resource: ServedResource): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: spec.replicas ?? 0 },
    status: { replicas: status?.replicas ?? 0, selector: selectorText(spec.selector, resource) },
  };
}

function selectorText(selector: unknown, resource: ServedResource): string {
  if (resource.resource !== 'replicationcontrollers')
    return formatLabelSelector(selector as Parameters<typeof formatLabelSelector>[0]);
  const matchLabels = selector as Record<string, string> | undefined;
  return formatLabelSelector({ matchLabels: matchLabels ?? {} });
}

/** Patches work on the schema of what they patch; Scale has no resource of its own. */
function scaleResource(): ServedResource {
  const deployments = findResource('apps', 'v1', 'deployments');
  if (deployments === undefined) throw errors.internalError('no deployments are served');
  return {
    ...deployments,
    group: 'autoscaling',
    version: 'v1',
    apiVersion: 'autoscaling/v1',
    kind: 'Scale',
    schema: 'Scale',
  };
}
