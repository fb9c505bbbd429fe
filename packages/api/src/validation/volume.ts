/** A pod's volumes: names, exactly one source each, and what the common sources need. */
import { duplicate, forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, Volume } from '../generated/types.ts';
import { compareQuantities, isQuantity } from '../quantity.ts';
import { dnsLabel, type Errors } from './checks.ts';
import { validateFileFieldRef, validateResourceRef } from './env.ts';
import { validateClaimSpec } from './persistent-volume-claim.ts';

const HOST_PATH_TYPES = [
  '',
  'DirectoryOrCreate',
  'Directory',
  'FileOrCreate',
  'File',
  'Socket',
  'CharDevice',
  'BlockDevice',
];
const MODE_MAX = 0o777;
const TOKEN_SECONDS_MIN = 600;

export function* validateVolumes(volumes: readonly Volume[] | undefined, path: string): Errors {
  const names = new Set<string>();
  for (const [index, volume] of (volumes ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (!volume.name) yield required(`${at}.name`);
    else {
      yield* dnsLabel(`${at}.name`, volume.name);
      if (names.has(volume.name)) yield duplicate(`${at}.name`, volume.name);
      names.add(volume.name);
    }
    yield* validateSource(volume, at);
  }
}

function* validateSource(volume: Volume, path: string): Errors {
  const kinds = Object.entries(volume).filter(([field, value]) => field !== 'name' && value !== undefined);
  const [first, ...more] = kinds.map(([kind]) => kind);
  if (first === undefined) yield required(path, 'must specify a volume type');
  for (const kind of more) yield forbidden(`${path}.${kind}`, 'may not specify more than 1 volume type');
  const {
    emptyDir,
    hostPath,
    secret,
    configMap,
    nfs,
    persistentVolumeClaim,
    downwardAPI,
    projected,
    ephemeral,
  } = volume;
  if (
    emptyDir?.sizeLimit !== undefined &&
    isQuantity(emptyDir.sizeLimit) &&
    compareQuantities(emptyDir.sizeLimit, 0) < 0
  ) {
    yield forbidden(`${path}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
  }
  if (hostPath !== undefined) yield* validateHostPath(hostPath, `${path}.hostPath`);
  if (secret !== undefined) {
    if (!secret.secretName) yield required(`${path}.secret.secretName`);
    yield* validateMode(secret.defaultMode, `${path}.secret.defaultMode`);
    yield* validateItems(secret.items, `${path}.secret.items`);
  }
  if (configMap !== undefined) {
    if (!configMap.name) yield required(`${path}.configMap.name`);
    yield* validateMode(configMap.defaultMode, `${path}.configMap.defaultMode`);
    yield* validateItems(configMap.items, `${path}.configMap.items`);
  }
  if (nfs !== undefined) yield* validateNfs(nfs, `${path}.nfs`);
  if (persistentVolumeClaim !== undefined && !persistentVolumeClaim.claimName) {
    yield required(`${path}.persistentVolumeClaim.claimName`);
  }
  if (downwardAPI !== undefined) {
    yield* validateMode(downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`);
    yield* validateDownwardFiles(downwardAPI.items, `${path}.downwardAPI.items`);
  }
  if (projected !== undefined) yield* validateProjected(projected, `${path}.projected`);
  if (ephemeral !== undefined) yield* validateEphemeral(ephemeral, `${path}.ephemeral`);
}

export function* validateHostPath(
  source: { path?: string; type?: string | undefined },
  path: string,
): Errors {
  if (!source.path) yield required(`${path}.path`);
  else yield* noBacksteps(source.path, `${path}.path`);
  const type = source.type ?? '';
  if (!HOST_PATH_TYPES.includes(type)) yield notSupported(`${path}.type`, type, HOST_PATH_TYPES);
}

export function* validateNfs(source: { server?: string; path?: string }, path: string): Errors {
  if (!source.server) yield required(`${path}.server`);
  if (!source.path) yield required(`${path}.path`);
  else if (!source.path.startsWith('/'))
    yield invalid(`${path}.path`, source.path, 'must be an absolute path');
}

function* validateEphemeral(source: NonNullable<Volume['ephemeral']>, path: string): Errors {
  const template = source.volumeClaimTemplate;
  if (template === undefined) yield required(`${path}.volumeClaimTemplate`);
  else yield* validateClaimSpec(template.spec ?? {}, `${path}.volumeClaimTemplate.spec`);
}

function* validateMode(mode: number | undefined, path: string): Errors {
  if (mode !== undefined && (mode < 0 || mode > MODE_MAX)) {
    yield invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}

function* validateItems(items: readonly KeyToPath[] | undefined, path: string): Errors {
  for (const [index, item] of (items ?? []).entries()) {
    const at = `${path}[${index}]`;
    if (!item.key) yield required(`${at}.key`);
    yield* validateFilePath(item.path, `${at}.path`);
    yield* validateMode(item.mode, `${at}.mode`);
  }
}

function* validateDownwardFiles(items: readonly DownwardAPIVolumeFile[] | undefined, path: string): Errors {
  for (const [index, item] of (items ?? []).entries()) {
    const at = `${path}[${index}]`;
    yield* validateFilePath(item.path, `${at}.path`);
    yield* validateMode(item.mode, `${at}.mode`);
    if (item.fieldRef !== undefined) yield* validateFileFieldRef(item.fieldRef, `${at}.fieldRef`);
    else if (item.resourceFieldRef !== undefined)
      yield* validateResourceRef(item.resourceFieldRef, `${at}.resourceFieldRef`, true);
    else yield required(at, 'one of fieldRef and resourceFieldRef is required');
  }
}

function* validateProjected(source: ProjectedVolumeSource, path: string): Errors {
  yield* validateMode(source.defaultMode, `${path}.defaultMode`);
  for (const [index, projection] of (source.sources ?? []).entries()) {
    const at = `${path}.sources[${index}]`;
    const { secret, configMap, downwardAPI, serviceAccountToken: token } = projection;
    if (Object.values(projection).filter((value) => value !== undefined).length > 1) {
      yield forbidden(at, 'may not specify more than 1 volume type');
    }
    if (secret !== undefined) {
      if (!secret.name) yield required(`${at}.secret.name`);
      yield* validateItems(secret.items, `${at}.secret.items`);
    }
    if (configMap !== undefined) {
      if (!configMap.name) yield required(`${at}.configMap.name`);
      yield* validateItems(configMap.items, `${at}.configMap.items`);
    }
    if (downwardAPI !== undefined) yield* validateDownwardFiles(downwardAPI.items, `${at}.downwardAPI.items`);
    if (token !== undefined) {
      const seconds = token.expirationSeconds;
      if (seconds !== undefined && seconds < TOKEN_SECONDS_MIN) {
        yield invalid(
          `${at}.serviceAccountToken.expirationSeconds`,
          seconds,
          'may not specify a duration less than 10 minutes',
        );
      }
      yield* validateFilePath(token.path, `${at}.serviceAccountToken.path`);
    }
  }
}

function* validateFilePath(file: string | undefined, path: string): Errors {
  if (!file) yield required(path);
  else yield* descendingPath(file, path);
}

/** A path below something: relative, and never upwards. */
export function* descendingPath(file: string, path: string): Errors {
  if (file.startsWith('/')) yield invalid(path, file, 'must be a relative path');
  yield* noBacksteps(file, path);
}

function* noBacksteps(file: string, path: string): Errors {
  if (file.split('/').includes('..')) yield invalid(path, file, "must not contain '..'");
}
