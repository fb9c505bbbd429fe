/** PersistentVolumes and StorageClasses. */
import { forbidden, notSupported, required } from '../field-errors.ts';
import type { PersistentVolume, PersistentVolumeSpec, StorageClass } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { validateNodeSelector } from './affinity.ts';
import { dnsSubdomain, type Errors, immutable, oneOf, optionalOneOf, qualifiedName } from './checks.ts';
import { ACCESS_MODES, VOLUME_MODES } from './persistent-volume-claim.ts';
import { validateAmount } from './resources.ts';
import { validateHostPath, validateNfs } from './volume.ts';

/** Fields of the spec that are no volume source. */
const COMMON = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

export function* validatePersistentVolume({ spec }: PersistentVolume, old?: PersistentVolume): Errors {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) yield required('spec.accessModes');
  for (const mode of modes) yield* optionalOneOf('spec.accessModes', mode, ACCESS_MODES);
  yield* validateCapacity(spec);
  const policies = ['Delete', 'Recycle', 'Retain'];
  yield* oneOf('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, policies);
  if (spec.nodeAffinity?.required !== undefined)
    yield* validateNodeSelector(spec.nodeAffinity.required, 'spec.nodeAffinity.required');
  yield* validateSources(spec);
  if (spec.storageClassName) yield* dnsSubdomain('spec.storageClassName', spec.storageClassName);
  yield* optionalOneOf('spec.volumeMode', spec.volumeMode, VOLUME_MODES);
  if (old === undefined) return;
  if (!semanticEqual(sourcesOf(spec), sourcesOf(old.spec))) {
    yield forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation');
  }
  yield* immutable('spec.volumeMode', spec.volumeMode, old.spec.volumeMode);
}

function* validateCapacity({ capacity = {} }: PersistentVolumeSpec): Errors {
  const names = Object.keys(capacity);
  if (names.length === 0) yield required('spec.capacity');
  if (capacity.storage === undefined || names.length > 1)
    yield notSupported('spec.capacity', names, ['storage']);
  for (const [name, amount] of Object.entries(capacity))
    yield* validateAmount(name, amount, `spec.capacity[${name}]`);
}

function sourcesOf(spec: PersistentVolumeSpec): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(spec).filter(([field, value]) => !COMMON.has(field) && value !== undefined),
  );
}

function* validateSources(spec: PersistentVolumeSpec): Errors {
  const [first, ...more] = Object.keys(sourcesOf(spec));
  if (first === undefined) yield required('spec', 'must specify a volume type');
  for (const kind of more) yield forbidden(`spec.${kind}`, 'may not specify more than 1 volume type');
  if (spec.hostPath !== undefined) yield* validateHostPath(spec.hostPath, 'spec.hostPath');
  if (spec.nfs !== undefined) yield* validateNfs(spec.nfs, 'spec.nfs');
  if (spec.local !== undefined) {
    if (!spec.local.path) yield required('spec.local.path');
    if (spec.nodeAffinity === undefined)
      yield required('metadata.annotations', 'Local volume requires node affinity');
  }
}

export function* validateStorageClass(storageClass: StorageClass, old?: StorageClass): Errors {
  if (!storageClass.provisioner) yield required('provisioner', storageClass.provisioner);
  else yield* qualifiedName('provisioner', storageClass.provisioner.toLowerCase());
  yield* optionalOneOf('reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain']);
  yield* oneOf('volumeBindingMode', storageClass.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer']);
  if (old === undefined) return;
  if (!semanticEqual(storageClass.parameters ?? {}, old.parameters ?? {})) {
    yield forbidden('parameters', 'updates to parameters are forbidden.');
  }
  if (storageClass.provisioner !== old.provisioner)
    yield forbidden('provisioner', 'updates to provisioner are forbidden.');
  if (storageClass.reclaimPolicy !== old.reclaimPolicy)
    yield forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.');
  yield* immutable('volumeBindingMode', storageClass.volumeBindingMode, old.volumeBindingMode);
}
