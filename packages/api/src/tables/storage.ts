import type {
  CSIDriver,
  CSINode,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
} from '../generated/types.ts';
import { ageOf } from './age.ts';
import { columns, NONE, type TablePrinter, UNSET } from './table.ts';

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** In upstream's order, each once. */
function accessModes(modes: readonly string[] | undefined): string {
  return Object.entries(SHORT_MODES)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

function phaseOf(object: {
  metadata: { deletionTimestamp?: string | undefined };
  status?: { phase?: string | undefined } | undefined;
}): string {
  return object.metadata.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating';
}

export const persistentVolumePrinter: TablePrinter<PersistentVolume> = {
  columns: columns(
    'Name',
    'Capacity',
    'Access Modes',
    'Reclaim Policy',
    'Status',
    'Claim',
    'StorageClass',
    'VolumeAttributesClass',
    'Reason',
    'Age',
    '|VolumeMode',
  ),
  cells: (volume, nowMs) => {
    const { metadata, spec, status } = volume;
    const claim = spec.claimRef;
    return [
      metadata.name,
      String(spec.capacity?.storage ?? ''),
      accessModes(spec.accessModes),
      spec.persistentVolumeReclaimPolicy ?? '',
      phaseOf(volume),
      claim === undefined ? '' : `${claim.namespace}/${claim.name}`,
      spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? UNSET,
      status?.reason ?? '',
      ageOf(metadata.creationTimestamp, nowMs),
      spec.volumeMode ?? UNSET,
    ];
  },
};

export const persistentVolumeClaimPrinter: TablePrinter<PersistentVolumeClaim> = {
  columns: columns(
    'Name',
    'Status',
    'Volume',
    'Capacity',
    'Access Modes',
    'StorageClass',
    'VolumeAttributesClass',
    'Age',
    '|VolumeMode',
  ),
  cells: (claim, nowMs) => {
    const { metadata, spec, status } = claim;
    const isBound = Boolean(spec.volumeName);
    return [
      metadata.name,
      phaseOf(claim),
      spec.volumeName ?? '',
      isBound ? String(status?.capacity?.storage ?? '') : '',
      isBound ? accessModes(status?.accessModes) : '',
      spec.storageClassName ?? '',
      spec.volumeAttributesClassName ?? UNSET,
      ageOf(metadata.creationTimestamp, nowMs),
      spec.volumeMode ?? UNSET,
    ];
  },
};

const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';

export const storageClassPrinter: TablePrinter<StorageClass> = {
  columns: columns(
    'Name',
    'Provisioner',
    'ReclaimPolicy',
    'VolumeBindingMode',
    'AllowVolumeExpansion',
    'Age',
  ),
  cells: (storageClass, nowMs) => {
    const { name, annotations, creationTimestamp } = storageClass.metadata;
    return [
      annotations?.[IS_DEFAULT] === 'true' ? `${name} (default)` : name,
      storageClass.provisioner,
      storageClass.reclaimPolicy ?? 'Delete',
      storageClass.volumeBindingMode ?? UNSET,
      storageClass.allowVolumeExpansion ?? false,
      ageOf(creationTimestamp, nowMs),
    ];
  },
};

export const volumeAttachmentPrinter: TablePrinter<VolumeAttachment> = {
  columns: columns('Name', 'Attacher', 'PV', 'Node', 'Attached', 'Age'),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    spec.attacher,
    spec.source.persistentVolumeName ?? '',
    spec.nodeName,
    status?.attached ?? false,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const csiDriverPrinter: TablePrinter<CSIDriver> = {
  columns: columns(
    'Name',
    'AttachRequired',
    'PodInfoOnMount',
    'StorageCapacity',
    'TokenRequests',
    'RequiresRepublish',
    'Modes',
    'Age',
  ),
  cells: ({ metadata, spec }, nowMs) => [
    metadata.name,
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    (spec.tokenRequests ?? []).map(({ audience }) => audience).join(',') || UNSET,
    spec.requiresRepublish ?? false,
    (spec.volumeLifecycleModes ?? []).join(',') || NONE,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const csiNodePrinter: TablePrinter<CSINode> = {
  columns: columns('Name', 'Drivers:integer', 'Age'),
  cells: ({ metadata, spec }, nowMs) => [
    metadata.name,
    (spec?.drivers ?? []).length,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};
