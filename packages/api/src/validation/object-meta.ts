/** metadata: names, labels, owners, finalizers; on update what may not change. */
import { type FieldError, forbidden, invalid, required } from '../field-errors.ts';
import type { ObjectMeta, OwnerReference } from '../generated/types.ts';
import { dns1123LabelErrors, qualifiedNameErrors } from '../names.ts';
import { because, type Errors, immutable, nonNegative } from './checks.ts';
import { validateAnnotations, validateLabels } from './labels.ts';

/** Why a text is no name for a kind. */
export type NameCheck = (name: string) => readonly string[];

export interface MetaRules {
  readonly namespaced: boolean;
  readonly nameErrors: NameCheck;
}

/** Finalizers that predate the rule that names carry a domain. */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export function* validateObjectMeta(meta: ObjectMeta, rules: MetaRules, path = 'metadata'): Errors {
  if (meta.generateName) {
    // A trailing dash is only bad at the end of the whole name.
    const base = meta.generateName.replace(/-$/, 'a');
    yield* because(`${path}.generateName`, meta.generateName, rules.nameErrors(base));
  }
  if (!meta.name) yield required(`${path}.name`, 'name or generateName is required');
  else yield* because(`${path}.name`, meta.name, rules.nameErrors(meta.name));
  yield* validateNamespace(meta.namespace, rules.namespaced, `${path}.namespace`);
  yield* nonNegative(`${path}.generation`, meta.generation);
  yield* validateLabels(meta.labels, `${path}.labels`);
  yield* validateAnnotations(meta.annotations, `${path}.annotations`);
  yield* validateOwnerReferences(meta.ownerReferences ?? [], `${path}.ownerReferences`);
  yield* validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`);
}

function* validateNamespace(namespace: string | undefined, isNamespaced: boolean, path: string): Errors {
  if (!isNamespaced) {
    if (namespace) yield forbidden(path, 'not allowed on this type');
  } else if (!namespace) yield required(path);
  else yield* because(path, namespace, dns1123LabelErrors(namespace));
}

function* validateOwnerReferences(owners: readonly OwnerReference[], path: string): Errors {
  let controller: string | undefined;
  for (const [index, owner] of owners.entries()) {
    const at = `${path}[${index}]`;
    if (!owner.apiVersion)
      yield invalid(`${at}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty');
    if (!owner.kind) yield invalid(`${at}.kind`, owner.kind ?? '', 'kind must not be empty');
    if (!owner.name) yield invalid(`${at}.name`, owner.name ?? '', 'name must not be empty');
    if (!owner.uid) yield invalid(`${at}.uid`, owner.uid ?? '', 'uid must not be empty');
    if (owner.apiVersion === 'v1' && owner.kind === 'Event')
      yield invalid(at, owner, 'v1, Kind=Event is disallowed from being an owner');
    if (owner.controller !== true) continue;
    if (controller === undefined) controller = owner.name;
    else {
      const both = `${controller} and ${owner.name}`;
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${both}`;
      yield invalid(path, owners, why);
    }
  }
}

export function* validateFinalizers(finalizers: readonly string[], path: string): Errors {
  for (const finalizer of finalizers) yield* validateFinalizer(finalizer, path);
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    yield invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set');
  }
}

function* validateFinalizer(finalizer: string, path: string): Errors {
  const reasons = qualifiedNameErrors(finalizer);
  yield* because(path, finalizer, reasons);
  if (reasons.length === 0 && !finalizer.includes('/') && !STANDARD_FINALIZERS.has(finalizer)) {
    yield invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}

/** Identity and the rule that a dying object gains no finalizers. */
export function* validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): Errors {
  yield* addedWhileDeleting(meta, old, path);
  yield* immutable(`${path}.name`, meta.name, old.name);
  yield* immutable(`${path}.namespace`, meta.namespace ?? '', old.namespace ?? '');
  yield* immutable(`${path}.uid`, meta.uid, old.uid);
  yield* immutable(`${path}.creationTimestamp`, meta.creationTimestamp, old.creationTimestamp);
  yield* validateLabels(meta.labels, `${path}.labels`);
  yield* validateAnnotations(meta.annotations, `${path}.annotations`);
  yield* validateOwnerReferences(meta.ownerReferences ?? [], `${path}.ownerReferences`);
  yield* validateFinalizers(meta.finalizers ?? [], `${path}.finalizers`);
}

function* addedWhileDeleting(meta: ObjectMeta, old: ObjectMeta, path: string): Iterable<FieldError> {
  if (old.deletionTimestamp === undefined) return;
  const added = (meta.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer));
  if (added.length === 0) return;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`;
  yield forbidden(`${path}.finalizers`, why);
}

/** For resources that must be told which version they replace. */
export function* validateResourceVersionGiven(meta: ObjectMeta): Errors {
  if (!meta.resourceVersion) yield invalid('metadata.resourceVersion', 0, 'must be specified for an update');
}
