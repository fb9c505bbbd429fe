import { must } from '@kubelab/component-base';
import protobuf from 'protobufjs';
import { loadRoot } from '../proto.ts';
import { type Codec, codecOf, type Int64, int64, useWireDefaults } from '../wire.ts';
import { bytesFrom } from './go-base64.ts';
import { JsonNumber, type JsonObject, type JsonValue, readJson } from './go-json.ts';

/**
 * Messages of a `.proto` file as JSON, as Go's `jsonpb` maps them with original names: 64-bit integers as
 * strings, bytes in base64, enums by name, what is zero or absent left out. Messages are given and taken in
 * their wire form, so that it does not matter how they are held in memory.
 */
export interface ProtoJson {
  method(service: string, name: string): MethodJson;
}

/** A message's fields by their names in the file. */
interface Fields {
  [name: string]: FieldValue;
}
type FieldValue = Int64 | string | boolean | Uint8Array | null | Fields | FieldValue[];

export interface MethodJson {
  /** @throws Error in jsonpb's words, for JSON that is no such message. Unknown fields are passed over. */
  readonly requestFromJson: (value: JsonValue | undefined) => Buffer;
  readonly responseToJson: (bytes: Uint8Array) => string;
}

/** Of `proto/<name>.proto`. */
export function protoJson(name: string): ProtoJson {
  const root = loadRoot(name);
  const codecs = new Map<protobuf.Type, Codec<Fields>>();
  const codec = (type: protobuf.Type): Codec<Fields> => {
    const known = codecs.get(type);
    if (known !== undefined) return known;
    const made = codecOf<Fields>(type);
    codecs.set(type, made);
    return made;
  };
  for (const type of typesOf(root)) useWireDefaults(type);
  return {
    method(service, methodName) {
      const method = must(root.lookupService(service).methods[methodName], `${service}/${methodName}`);
      method.resolve();
      const request = must(method.resolvedRequestType, methodName);
      const response = must(method.resolvedResponseType, methodName);
      return {
        requestFromJson: (value) =>
          codec(request).encode(value === undefined || value === null ? {} : messageFrom(request, value)),
        responseToJson: (bytes) => messageJson(response, codec(response).decode(bytes)),
      };
    },
  };
}

function* typesOf(namespace: protobuf.NamespaceBase): Generator<protobuf.Type> {
  for (const nested of namespace.nestedArray) {
    if (nested instanceof protobuf.Type) yield nested;
    if (nested instanceof protobuf.Namespace) yield* typesOf(nested);
  }
}

// ---- out ----

function messageJson(type: protobuf.Type, message: Fields): string {
  const fields: string[] = [];
  for (const field of type.fieldsArray) {
    const value = message[field.name];
    const json = Array.isArray(value)
      ? value.length > 0 && `[${value.map((each) => valueJson(field, each)).join(',')}]`
      : !isDefault(value) && valueJson(field, value);
    if (json !== false) fields.push(`"${field.name}":${json}`);
  }
  return `{${fields.join(',')}}`;
}

function isDefault(value: unknown): boolean {
  if (value instanceof Uint8Array) return value.length === 0;
  return value === null || value === undefined || value === 0 || value === false || value === '';
}

function valueJson(field: protobuf.Field, value: unknown): string {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return messageJson(resolvedType, value as Fields);
  if (resolvedType instanceof protobuf.Enum)
    return JSON.stringify(resolvedType.valuesById[value as number] ?? value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  if (typeof value === 'string') return goString(value);
  return isLong(field) ? `"${value as Int64}"` : String(value);
}

/** A string as Go's encoder writes it: safe inside HTML. */
export function goString(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

// ---- in ----

function messageFrom(type: protobuf.Type, json: JsonValue): Fields {
  if (!(json instanceof Map)) throw mismatch(json, 'map[string]json.RawMessage');
  const object: JsonObject = json;
  const message: Fields = {};
  for (const field of type.fieldsArray) {
    const value = object.get(field.name) ?? object.get(protobuf.util.camelCase(field.name));
    if (value === undefined || value === null) continue;
    if (!field.repeated) {
      message[field.name] = valueFrom(field, value);
      continue;
    }
    if (!Array.isArray(value)) throw mismatch(value, '[]json.RawMessage');
    message[field.name] = (value as readonly JsonValue[]).map((each) => valueFrom(field, each));
  }
  return message;
}

function valueFrom(field: protobuf.Field, json: JsonValue): FieldValue {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) return messageFrom(resolvedType, json);
  if (resolvedType instanceof protobuf.Enum) return enumFrom(resolvedType, json);
  switch (field.type) {
    case 'bytes':
      if (typeof json !== 'string') throw mismatch(json, '[]uint8');
      return bytesFrom(json);
    case 'string':
      if (typeof json !== 'string') throw mismatch(json, 'string');
      return json;
    case 'bool':
      if (typeof json !== 'boolean') throw mismatch(json, 'bool');
      return json;
    default:
      return integerFrom(field, json);
  }
}

function enumFrom(type: protobuf.Enum, json: JsonValue): number {
  if (typeof json === 'string') {
    const value = type.values[json];
    if (value === undefined)
      throw new Error(`unknown value ${JSON.stringify(json)} for enum ${goName(type)}`);
    return value;
  }
  if (!(json instanceof JsonNumber)) throw mismatch(json, goName(type));
  if (!/^-?\d+$/.test(json.text))
    throw new Error(`json: cannot unmarshal number ${json.text} into Go value of type ${goName(type)}`);
  return Number(json.text);
}

/** `.etcdserverpb.RangeRequest.SortOrder` is `etcdserverpb.RangeRequest_SortOrder` in Go. */
function goName(type: protobuf.Enum): string {
  const [, pkg, ...names] = type.fullName.split('.');
  return `${pkg}.${names.join('_')}`;
}

/** As a number where it fits, else as a bigint; with quotes or without. */
function integerFrom(field: protobuf.Field, json: JsonValue): Int64 {
  const number = typeof json === 'string' ? unquoted(json) : json;
  if (!(number instanceof JsonNumber)) throw mismatch(number, field.type);
  const outside = new Error(
    `json: cannot unmarshal number ${number.text} into Go value of type ${field.type}`,
  );
  // Twenty digits and a sign: more cannot fit, and would take their time to read.
  if (number.text.length > 21 || !/^-?\d+$/.test(number.text)) throw outside;
  const value = BigInt(number.text);
  const bits = isLong(field) ? 64 : 32;
  const wrapped = field.type.startsWith('uint') ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
  if (wrapped !== value) throw outside;
  return int64(value);
}

function unquoted(text: string): JsonValue {
  try {
    const value = readJson(text);
    if (value !== undefined) return value;
  } catch (error) {
    if ((error as Error).message !== 'unexpected EOF') throw error;
  }
  throw new Error('unexpected end of JSON input');
}

function isLong(field: protobuf.Field): boolean {
  return field.type === 'int64' || field.type === 'uint64';
}

function mismatch(json: JsonValue, goType: string): Error {
  const kind =
    json === null
      ? 'null'
      : json instanceof JsonNumber
        ? 'number'
        : json instanceof Map
          ? 'object'
          : Array.isArray(json)
            ? 'array'
            : typeof json === 'boolean'
              ? 'bool'
              : 'string';
  return new Error(`json: cannot unmarshal ${kind} into Go value of type ${goType}`);
}
