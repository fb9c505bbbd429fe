/** What the volumes made of API data hold. */
import { fieldValue, type FieldContext, resourceFieldValue } from '../core/field-ref.ts';
import { type PodObject, podContainers, type VolumeSpec } from '../core/types.ts';
import type { ProjectedFile } from './atomic-writer.ts';
import type { ObjectStore } from './object-store.ts';
import type { TokenManager } from './token-manager.ts';
import { VolumeError } from './volume-error.ts';

export interface PayloadSources {
  readonly objects: ObjectStore;
  readonly tokens: TokenManager;
  fields(pod: PodObject): FieldContext;
}

const MODE_DEFAULT = 0o644;
type Files = Map<string, ProjectedFile>;
type Items = readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[];
type Projection = NonNullable<NonNullable<VolumeSpec['projected']>['sources']>[number];

/** The files of a configMap, secret, downwardAPI or projected volume; undefined for any other. */
export async function volumePayload(
  pod: PodObject,
  volume: VolumeSpec,
  sources: PayloadSources,
): Promise<Files | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    return projectOne(pod, { configMap }, configMap.defaultMode, sources);
  }
  if (secret !== undefined) {
    const { secretName, items, optional, defaultMode } = secret;
    return projectOne(pod, { secret: { name: secretName, items, optional } }, defaultMode, sources);
  }
  if (downwardAPI !== undefined) {
    return projectOne(pod, { downwardAPI }, downwardAPI.defaultMode, sources);
  }
  if (projected === undefined) return undefined;
  const parts = await Promise.all(
    (projected.sources ?? []).map((source) => projectOne(pod, source, projected.defaultMode, sources)),
  );
  return new Map(parts.flatMap((part) => [...part]));
}

async function projectOne(
  pod: PodObject,
  source: Projection,
  defaultMode = MODE_DEFAULT,
  sources: PayloadSources,
): Promise<Files> {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  const namespace = pod.metadata.namespace ?? '';
  if (configMap !== undefined) {
    const { name = '', items, optional } = configMap;
    const found = await sources.objects.configMap(namespace, name);
    if (found === undefined && optional !== true) throw new VolumeError(`configmap "${name}" not found`);
    const data = new Map([
      ...Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const),
      ...Object.entries(found?.binaryData ?? {}).map(
        ([key, text]) => [key, Buffer.from(text, 'base64')] as const,
      ),
    ]);
    return pick(data, items, defaultMode, optional === true, `configmap ${name}`);
  }
  if (secret !== undefined) {
    const { name = '', items, optional } = secret;
    const found = await sources.objects.secret(namespace, name);
    if (found === undefined && optional !== true) throw new VolumeError(`secret "${name}" not found`);
    const data = new Map(
      Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    );
    return pick(data, items, defaultMode, optional === true, `secret ${name}`);
  }
  if (serviceAccountToken !== undefined) {
    const { audience, expirationSeconds, path } = serviceAccountToken;
    const token = await sources.tokens.token(pod, {
      audience,
      expirationSeconds: expirationSeconds ?? 3600,
    });
    return new Map([[path, { content: Buffer.from(token), mode: defaultMode }]]);
  }
  return downwardFiles(pod, downwardAPI?.items ?? [], defaultMode, sources.fields(pod));
}

function pick(
  data: ReadonlyMap<string, Buffer>,
  items: Items | undefined,
  defaultMode: number,
  isOptional: boolean,
  what: string,
): Files {
  if (items === undefined || items.length === 0) {
    return new Map([...data].map(([key, content]) => [key, { content, mode: defaultMode }]));
  }
  const files: Files = new Map();
  for (const { key, path, mode = defaultMode } of items) {
    const content = data.get(key);
    if (content !== undefined) files.set(path, { content, mode });
    else if (!isOptional) throw new VolumeError(`${what} references non-existent key: ${key}`);
  }
  return files;
}

type DownwardItems = NonNullable<NonNullable<VolumeSpec['downwardAPI']>['items']>;

function downwardFiles(
  pod: PodObject,
  items: DownwardItems,
  defaultMode: number,
  fields: FieldContext,
): Files {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode = defaultMode } of items) {
    const container = podContainers(pod).find(
      ({ spec }) => spec.name === resourceFieldRef?.containerName,
    )?.spec;
    const text =
      fieldRef !== undefined
        ? fieldValue(fieldRef.fieldPath, fields)
        : resourceFieldRef !== undefined && container !== undefined
          ? resourceFieldValue(resourceFieldRef, container, fields)
          : undefined;
    if (text === undefined) throw new VolumeError(`downward API item ${path} names no field`);
    files.set(path, { content: Buffer.from(text), mode });
  }
  return files;
}
