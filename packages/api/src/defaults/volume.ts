/** Defaults of a pod's volume: an unnamed source is an emptyDir; file modes. */
import type { DownwardAPIVolumeFile, Volume, VolumeProjection } from '../generated/types.ts';
import { pullPolicyOf } from './container.ts';
import { defaultClaimSpec } from './persistent-volume-claim.ts';

const FILE_MODE = 0o644;
const TOKEN_SECONDS = 3600;

export function defaultVolume(volume: Volume): void {
  const hasSource = Object.entries(volume).some(
    ([field, value]) => field !== 'name' && value !== undefined && value !== null,
  );
  if (!hasSource) volume.emptyDir = {};
  for (const source of [volume.secret, volume.configMap, volume.downwardAPI, volume.projected]) {
    if (source !== undefined) source.defaultMode ??= FILE_MODE;
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.image !== undefined) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
  const claim = volume.ephemeral?.volumeClaimTemplate;
  if (claim !== undefined) defaultClaimSpec((claim.spec ??= {}));
  defaultDownwardItems(volume.downwardAPI?.items);
  for (const source of volume.projected?.sources ?? []) defaultProjection(source);
}

function defaultProjection(source: VolumeProjection): void {
  if (source.serviceAccountToken !== undefined)
    source.serviceAccountToken.expirationSeconds ??= TOKEN_SECONDS;
  defaultDownwardItems(source.downwardAPI?.items);
}

function defaultDownwardItems(items: DownwardAPIVolumeFile[] | undefined): void {
  for (const { fieldRef } of items ?? []) if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
}
