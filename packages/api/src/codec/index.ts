/** Request bodies → objects. */
import { errors } from '../errors.ts';
import { groupVersion, type KubeObject } from '../meta.ts';
import { complete, conform, DecodeError, definitionOf } from '../schema/index.ts';
import { kindFor, type ServedResource } from '../scheme.ts';
import { parseJson } from './json.ts';
import { decodeProtobuf, readEnvelope } from './protobuf.ts';
import { parseYaml } from './yaml.ts';

export interface Decoded<T = KubeObject> {
  readonly object: T;
  /** `unknown field "spec.foo"`, `duplicate field "spec.foo"`: for `fieldValidation` to warn of or refuse. */
  readonly unknown: string[];
}

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';

/** What a request body may be; `application/apply-patch+yaml` is for patches and decoded by them. */
export const BODY_TYPES: readonly string[] = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE];

export interface DecodeOptions {
  /** What the path says the object must be. Without it the body's own apiVersion and kind decide. */
  readonly into?: ServedResource | undefined;
}

/** Decodes an object of a served kind. Throws ApiError 400 and 415. */
export function decodeObject(
  body: Uint8Array,
  contentType: string | undefined,
  options: DecodeOptions = {},
): Decoded {
  const parsed = parseBody(body, contentType, options.into?.kind ?? 'object');
  const resource = resourceOf(parsed, options.into);
  return finish(parsed, resource.schema, resource.kind, resource.apiVersion) as Decoded;
}

/**
 * Decodes a body that is no object of its own resource: `DeleteOptions`, `Eviction`, `Binding`,
 * `TokenRequest`, `Scale`, the reviews. `definitionName` is a name of the schema table; its apiVersion is not
 * checked, as clients send that of the path's group.
 */
export function decodeAs<T = KubeObject>(
  definitionName: string,
  body: Uint8Array,
  contentType: string | undefined,
): Decoded<T> {
  const { gvk } = definitionOf(definitionName);
  const kind = gvk?.kind ?? definitionName;
  const parsed = parseBody(body, contentType, kind);
  if (parsed.kind !== '' && parsed.kind !== kind) throw notAssignable(parsed, kind);
  const apiVersion = gvk === undefined ? parsed.apiVersion : groupVersion(gvk.group, gvk.version);
  return finish(parsed, definitionName, kind, apiVersion) as Decoded<T>;
}

/**
 * Brings an object that is already parsed (the outcome of a patch) into its kind's shape. Throws DecodeError.
 */
export function conformObject(resource: ServedResource, value: unknown): Decoded {
  const { object, unknown } = conform(resource.schema, value);
  complete(resource.schema, object);
  return { object: typed(object, resource) as Decoded['object'], unknown };
}

/** A body of any format, read just far enough to know what it says it is. */
interface ParsedBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly duplicates: readonly string[];
  /** The JSON-shaped value, of the definition when the format needs to know it. */
  value(definitionName: string): unknown;
}

function parseBody(body: Uint8Array, contentType: string | undefined, wanted: string): ParsedBody {
  const type = mediaType(contentType);
  try {
    if (type === PROTOBUF_TYPE) {
      const { apiVersion, kind, raw } = readEnvelope(body);
      return { apiVersion, kind, duplicates: [], value: (name) => decodeProtobuf(name, raw) };
    }
    if (type !== JSON_TYPE && type !== YAML_TYPE) throw errors.unsupportedMediaType(BODY_TYPES);
    const text = new TextDecoder().decode(body);
    const { value, duplicates } = type === YAML_TYPE ? parseYaml(text) : parseJson(text);
    const { apiVersion, kind } = typeMetaOf(value);
    return { apiVersion, kind, duplicates, value: () => value };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const why = `the object provided is unrecognized (must be of type ${wanted})`;
    throw errors.badRequest(`${why}: couldn't get version/kind; ${error.message} (${summaryOf(body)})`);
  }
}

/** `Application/JSON; charset=utf-8` → `application/json`; no content type at all means JSON. */
function mediaType(contentType: string | undefined): string {
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return type === '' || type === '*/*' ? JSON_TYPE : type;
}

function typeMetaOf(value: unknown): { apiVersion: string; kind: string } {
  const meta = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const text = (field: unknown): string => (typeof field === 'string' ? field : '');
  return { apiVersion: text(meta['apiVersion']), kind: text(meta['kind']) };
}

function resourceOf(parsed: ParsedBody, into: ServedResource | undefined): ServedResource {
  const { apiVersion, kind } = parsed;
  if (into !== undefined) {
    if (kind !== '' && kind !== into.kind) throw notAssignable(parsed, into.kind);
    if (apiVersion === '' || apiVersion === into.apiVersion) return into;
    const versions = `the API version in the data (${apiVersion}) does not match the expected API version`;
    throw errors.badRequest(`${versions} (${into.apiVersion})`);
  }
  const resource = kindFor(apiVersion, kind);
  if (resource !== undefined) return resource;
  throw errors.badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
}

function notAssignable({ apiVersion, kind }: ParsedBody, wanted: string): Error {
  const what = `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${wanted}`;
  return errors.badRequest(`${what}: converting (${kind}) to (${wanted}): unknown conversion`);
}

function finish(
  parsed: ParsedBody,
  definitionName: string,
  kind: string,
  apiVersion: string,
): Decoded<unknown> {
  try {
    const { object, unknown } = conform(definitionName, parsed.value(definitionName));
    complete(definitionName, object);
    return { object: typed(object, { apiVersion, kind }), unknown: [...parsed.duplicates, ...unknown] };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const what = `${kind} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${kind}`;
    throw errors.badRequest(`${what}: ${error.message}`);
  }
}

/** Puts the type first, where readers of the stored JSON look for it. */
export function typed(object: object, { apiVersion, kind }: { apiVersion: string; kind: string }): object {
  return apiVersion === '' ? object : Object.assign({ apiVersion, kind }, object, { apiVersion, kind });
}

function versionOf(apiVersion: string): string {
  return apiVersion.slice(apiVersion.indexOf('/') + 1);
}

const SUMMARY_BYTES_MAX = 30;

/** The start of a body that could not be read: text when it looks like JSON, hex otherwise. */
function summaryOf(body: Uint8Array): string {
  if (body.length === 0) return '<empty>';
  const head = Buffer.from(body.subarray(0, SUMMARY_BYTES_MAX));
  const text = body[0] === 0x7b ? head.toString('utf8') : head.toString('hex');
  return body.length > SUMMARY_BYTES_MAX ? `${text} ...` : text;
}
