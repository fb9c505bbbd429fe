import type { PersistentVolume } from '../generated/types.ts';
import { canonicalizeResources } from './quantities.ts';

export function defaultPersistentVolume(volume: PersistentVolume): void {
  volume.spec ??= {};
  volume.spec.persistentVolumeReclaimPolicy ||= 'Retain';
  volume.spec.volumeMode ??= 'Filesystem';
  canonicalizeResources(volume.spec.capacity);
  if (volume.spec.hostPath !== undefined) volume.spec.hostPath.type ??= '';
  volume.status ??= {};
  volume.status.phase ||= 'Pending';
}
