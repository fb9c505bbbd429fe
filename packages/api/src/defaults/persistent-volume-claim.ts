import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../generated/types.ts';
import type { NewObject } from '../meta.ts';
import { canonicalizeResources } from './quantities.ts';

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem';
  spec.resources ??= {};
  canonicalizeResources(spec.resources.limits);
  canonicalizeResources(spec.resources.requests);
  // One source, two fields: the older one knows fewer kinds.
  if (spec.dataSource !== undefined) spec.dataSourceRef ??= { ...spec.dataSource };
  else if (spec.dataSourceRef !== undefined && !spec.dataSourceRef.namespace)
    spec.dataSource = { ...spec.dataSourceRef };
}

export function defaultPersistentVolumeClaim(
  claim: PersistentVolumeClaim | NewObject<PersistentVolumeClaim>,
): void {
  claim.spec ??= {};
  defaultClaimSpec(claim.spec);
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
}
