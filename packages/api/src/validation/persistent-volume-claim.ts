import { forbidden, invalid, required } from '../field-errors.ts';
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { compareQuantities, isQuantity } from '../quantity.ts';
import { because, type Errors, optionalOneOf } from './checks.ts';
import { validateLabelSelector } from './labels.ts';
import { validateAmount } from './resources.ts';

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const VOLUME_MODES = ['Block', 'Filesystem'];

export function* validateAccessModes(modes: readonly string[] | undefined, path: string): Errors {
  if ((modes ?? []).length === 0) yield required(path, 'at least 1 access mode is required');
  for (const mode of modes ?? []) yield* optionalOneOf(path, mode, ACCESS_MODES);
  if (modes?.includes('ReadWriteOncePod') && modes.length > 1) {
    yield forbidden(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

export function* validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string): Errors {
  yield* validateLabelSelector(spec.selector, `${path}.selector`);
  yield* validateAccessModes(spec.accessModes, `${path}.accessModes`);
  const storage = spec.resources?.requests?.storage;
  if (storage === undefined) yield required(`${path}.resources[storage]`);
  else {
    yield* validateAmount('storage', storage, `${path}.resources[storage]`);
    if (isQuantity(storage) && compareQuantities(storage, 0) === 0) {
      yield invalid(`${path}.resources[storage]`, String(storage), 'must be greater than zero');
    }
  }
  if (spec.storageClassName)
    yield* because(
      `${path}.storageClassName`,
      spec.storageClassName,
      dns1123SubdomainErrors(spec.storageClassName),
    );
  yield* optionalOneOf(`${path}.volumeMode`, spec.volumeMode, VOLUME_MODES);
}

export function* validatePersistentVolumeClaim(
  claim: PersistentVolumeClaim,
  old?: PersistentVolumeClaim,
): Errors {
  yield* validateClaimSpec(claim.spec, 'spec');
  if (old === undefined) return;
  yield* validateGrowth(claim, old);
  yield* validateUnchanged(claim, old);
}

/** A claim that is bound may grow, never shrink below what it has. */
function* validateGrowth(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): Errors {
  const [wanted, before] = [claim.spec.resources?.requests?.storage, old.spec.resources?.requests?.storage];
  if (!isQuantity(wanted) || !isQuantity(before) || compareQuantities(wanted, before) >= 0) return;
  const actual = old.status?.capacity?.storage;
  if (isQuantity(actual) && compareQuantities(wanted, actual) > 0) return;
  yield forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
}

/** Everything else is fixed, but for what the binder fills in. */
function* validateUnchanged(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): Errors {
  const mutable = (spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec => {
    const isBound = old.status?.phase === 'Bound';
    return {
      ...spec,
      ...(isBound && { resources: undefined }),
      volumeName: old.spec.volumeName ? spec.volumeName : undefined,
      storageClassName: old.spec.storageClassName === undefined ? undefined : spec.storageClassName,
      volumeAttributesClassName: undefined,
    };
  };
  if (semanticEqual(mutable(claim.spec), mutable(old.spec))) return;
  const why =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';
  yield forbidden('spec', why);
}
