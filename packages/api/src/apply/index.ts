/**
 * Server-side apply: each manager says the fields it wants; the server remembers who set what, merges,
 * refuses what somebody else set otherwise, and removes what nobody wants any more.
 *
 * Invariants
 *   API-3  after an apply the applier owns exactly the fields it applied
 *   API-4  an apply removes no field that another manager owns
 *
 * Upstream: `sigs.k8s.io/structured-merge-diff` and `k8s.io/apimachinery/pkg/util/managedfields`.
 */
import { assert } from '@kubelab/component-base';
import { type Decoded, typed } from '../codec/index.ts';
import { errors } from '../errors.ts';
import { required } from '../field-errors.ts';
import type { KubeObject } from '../meta.ts';
import { complete, conform, DecodeError, isObject } from '../schema/index.ts';
import type { ServedResource } from '../scheme.ts';
import { conflictError } from './conflicts.ts';
import {
  difference,
  emptySet,
  type FieldSet,
  intersection,
  isEmpty,
  isEqual,
  pathsOf,
  pathText,
  union,
} from './field-set.ts';
import { isSameOwner, type Owner, type OwnerName, readOwners, writeOwners } from './managed-fields.ts';
import { duplicateElement, mergeApplied, prune } from './merge.ts';
import { compare, fieldsOf } from './ownership.ts';

export interface ApplyOptions {
  /** The `fieldManager` query parameter. */
  readonly manager: string;
  /** Take fields over from others instead of refusing. */
  readonly force: boolean;
  /** Empty for the object itself. */
  readonly subresource: string;
  /** RFC 3339 in seconds. */
  readonly nowText: string;
}

/** Owns what was there before anybody applied, until somebody forces it away. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

/**
 * What the live object (undefined: none yet) becomes. An apply that changes nothing returns an object equal
 * to the live one. Throws ApiError: 400 malformed, 409 conflicts, 422 no manager.
 */
export function applyServerSide(
  resource: ServedResource,
  live: KubeObject | undefined,
  patch: unknown,
  options: ApplyOptions,
): Decoded {
  const { object: wanted, unknown } = readApplied(resource, patch, options);
  const fields = fieldsOf(resource.schema, wanted);
  const me: OwnerName = { manager: options.manager, operation: 'Apply', subresource: options.subresource };
  const owners = live === undefined ? [] : ownersOf(resource, live);
  const mine = owners.find((owner) => isSameOwner(owner, me));
  const others = owners.filter((owner) => owner !== mine);

  const merged = live === undefined ? wanted : mergeApplied(resource.schema, live, wanted);
  const gone = difference(mine?.fields ?? emptySet(), fields);
  const kept = [fields, ...others.map((owner) => owner.fields)].reduce(union);
  const object = prune(resource.schema, merged, gone, kept);
  assertKept(fieldsOf(resource.schema, merged), fieldsOf(resource.schema, object), others);

  const contested =
    live === undefined ? emptySet() : intersection(compare(resource.schema, live, object).changed, fields);
  if (!options.force) refuseConflicts(others, contested);
  const isSame = mine !== undefined && isEqual(mine.fields, fields) && isEmpty(contested) && isEmpty(gone);
  const now: Owner = {
    ...me,
    apiVersion: resource.apiVersion,
    time: isSame ? mine.time : options.nowText,
    fields,
  };
  const left = others.map((owner) => ({ ...owner, fields: difference(owner.fields, contested) }));
  const completed = structuredClone(object);
  // A KubeObject has no index signature.
  complete(resource.schema, completed as unknown as Record<string, unknown>);
  return { object: withOwners(completed, [now, ...left]), unknown };
}

/**
 * Records an update by other means than apply: what changed belongs to the updater now. Only objects that
 * somebody applied are tracked; the others need no owners. Returns `updated`, or a copy with new managed
 * fields.
 */
export function trackUpdate<T extends KubeObject>(
  resource: ServedResource,
  live: KubeObject,
  updated: T,
  options: Omit<ApplyOptions, 'force'>,
): T {
  // An update may reset the list by sending it empty; what it sends otherwise is not for it to decide.
  const before = live.metadata.managedFields;
  if (before === undefined || before.length === 0) return updated;
  const { changed, removed } = compare(resource.schema, live, updated);
  const me: OwnerName = { manager: options.manager, operation: 'Update', subresource: options.subresource };
  const owners = readOwners(before);
  if (isEmpty(changed) && isEmpty(removed)) return withOwners(updated, owners);

  const mine = owners.find((owner) => isSameOwner(owner, me));
  const taken = union(changed, removed);
  const left = owners
    .filter((owner) => owner !== mine)
    .map((owner) => ({ ...owner, fields: difference(owner.fields, taken) }));
  const fields = difference(union(mine?.fields ?? emptySet(), changed), removed);
  const time = isEmpty(changed) ? (mine?.time ?? options.nowText) : options.nowText;
  return withOwners(updated, [...left, { ...me, apiVersion: resource.apiVersion, time, fields }]);
}

function readApplied(resource: ServedResource, patch: unknown, { manager }: ApplyOptions): Decoded {
  if (manager === '') {
    const problem = required('fieldManager', 'is required for apply patch');
    throw errors.invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [problem]);
  }
  if (!isObject(patch)) throw errors.badRequest('error decoding patch: an apply patch must be an object');
  const { apiVersion, kind, metadata } = patch;
  if (apiVersion !== resource.apiVersion || kind !== resource.kind) {
    const want = `${resource.apiVersion}, Kind=${resource.kind}`;
    throw errors.badRequest(
      `invalid object type: want ${want}, got ${String(apiVersion)}, Kind=${String(kind)}`,
    );
  }
  if (
    isObject(metadata) &&
    Array.isArray(metadata['managedFields']) &&
    metadata['managedFields'].length > 0
  ) {
    throw errors.badRequest('metadata.managedFields must be nil');
  }
  try {
    const { object, unknown } = conform(resource.schema, patch);
    const twice = duplicateElement({ type: 'object', ref: resource.schema }, object);
    if (twice !== undefined) throw errors.badRequest(`duplicate entries for key ${pathText([twice])}`);
    return { object: typed(object, resource) as KubeObject, unknown };
  } catch (error) {
    if (error instanceof DecodeError) throw errors.badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

function ownersOf(resource: ServedResource, live: KubeObject): Owner[] {
  const owners = readOwners(live.metadata.managedFields);
  if (owners.length > 0) return owners;
  const fields = fieldsOf(resource.schema, live);
  const { apiVersion } = resource;
  const time = live.metadata.creationTimestamp;
  return [{ manager: BEFORE_FIRST_APPLY, operation: 'Update', subresource: '', apiVersion, time, fields }];
}

function refuseConflicts(others: readonly Owner[], contested: FieldSet): void {
  const conflicts = others.flatMap((owner) =>
    pathsOf(intersection(owner.fields, contested)).map((path) => ({ owner, path })),
  );
  if (conflicts.length > 0) throw conflictError(conflicts);
}

/** What others own and was there after merging must still be there after pruning. */
function assertKept(merged: FieldSet, pruned: FieldSet, others: readonly Owner[]): void {
  const owned = others.map((owner) => owner.fields).reduce(union, emptySet());
  const lost = difference(intersection(owned, merged), pruned);
  assert(isEmpty(lost), 'API-4', pathsOf(lost).map(pathText).join());
}

function withOwners<T extends KubeObject>(object: T, owners: readonly Owner[]): T {
  return { ...object, metadata: { ...object.metadata, managedFields: writeOwners(owners) } };
}
