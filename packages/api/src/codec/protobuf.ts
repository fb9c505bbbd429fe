/**
 * Kubernetes' protobuf bodies, which kubectl sends from 1.32 on. Decoding only: every client accepts JSON
 * replies.
 *
 * The envelope is `k8s\0` and a `runtime.Unknown`: 1 TypeMeta {1 apiVersion, 2 kind}, 2 raw, 3
 * contentEncoding, 4 contentType. `raw` is the kind's own message. What comes out is shaped like the JSON of
 * the same object; Go's obligatory zeros are for `conform` to drop.
 */
import messages from '../generated/protobuf.json' with { type: 'json' };
import { DecodeError } from '../schema/decode-error.ts';
import { parseJson } from './json.ts';
import { readMessage, signed, type WireValue } from './protobuf-reader.ts';

/** `k8s\0` */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
/** Messages inside one another; the deepest kind has about 20. */
const NESTING_MAX = 100;

// Rows are tuples, which JSON modules type as arrays.
const table = messages as unknown as Readonly<Record<string, MessageRow>>;
type MessageRow = Readonly<Record<string, readonly [name: string, type: string, label?: 'repeated' | 'map']>>;

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The kind's message. */
  readonly raw: Uint8Array;
}

/** Throws DecodeError. */
export function readEnvelope(body: Uint8Array): Envelope {
  if (MAGIC.some((byte, i) => body[i] !== byte)) {
    throw new DecodeError('provided data does not appear to be a protobuf message');
  }
  let [apiVersion, kind, raw] = ['', '', new Uint8Array()];
  readMessage(body.subarray(MAGIC.length), (number, value) => {
    if (!(value instanceof Uint8Array)) return;
    if (number === 2) raw = Uint8Array.from(value);
    if (number !== 1) return;
    readMessage(value, (typeNumber, text) => {
      if (typeNumber === 1) apiVersion = utf8(text);
      if (typeNumber === 2) kind = utf8(text);
    });
  });
  return { apiVersion, kind, raw };
}

/** The JSON-shaped value of a message of this definition. Throws DecodeError. */
export function decodeProtobuf(definitionName: string, raw: Uint8Array): Record<string, unknown> {
  if (!Object.hasOwn(table, definitionName)) {
    throw new DecodeError(`object ${definitionName} does not implement the protobuf marshalling interface`);
  }
  return decodeFields(definitionName, raw, 0) as Record<string, unknown>;
}

function decodeFields(message: string, bytes: Uint8Array, depth: number): unknown {
  if (depth > NESTING_MAX) throw new DecodeError('proto: exceeded max nesting depth');
  const row = table[message] ?? {};
  const result: Record<string, unknown> = {};
  let list: unknown[] | undefined;
  if (Object.values(row).some(([name]) => name === '[]')) list = [];

  readMessage(bytes, (number, value) => {
    const field = row[number];
    if (field === undefined) return;
    const [name, type, label] = field;
    if (list !== undefined) list.push(decodeValue(type, value, depth));
    else if (name === '') Object.assign(result, decodeValue(type, value, depth));
    else if (label === 'repeated') ((result[name] ??= []) as unknown[]).push(decodeValue(type, value, depth));
    else if (label === 'map') addEntry((result[name] ??= {}), type, value, depth);
    else result[name] = decodeValue(type, value, depth);
  });
  return list ?? result;
}

/** A map is a repeated message {1 key, 2 value}; what is missing is zero. */
function addEntry(map: object, type: string, entry: WireValue, depth: number): void {
  let key = '';
  let value: unknown = type === 'string' || type === 'bytes' ? '' : undefined;
  readMessage(asBytes(entry), (number, part) => {
    if (number === 1) key = utf8(part);
    if (number === 2) value = decodeValue(type, part, depth);
  });
  // Not an assignment: a key `__proto__` must not become the prototype. API-1
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}

function decodeValue(type: string, value: WireValue, depth: number): unknown {
  switch (type) {
    case 'string':
      return utf8(value);
    case 'bytes':
      return Buffer.from(asBytes(value)).toString('base64');
    case 'bool':
      return asInteger(value) !== 0;
    case 'int32':
    case 'int64':
      return asInteger(value);
    default: {
      const special = SPECIAL[type];
      const fields = decodeFields(type, asBytes(value), depth + 1);
      return special === undefined ? fields : special(fields as Record<string, unknown>);
    }
  }
}

/** Messages that are a scalar or free JSON in the JSON form. */
const SPECIAL: Readonly<Record<string, (fields: Record<string, unknown>) => unknown>> = {
  FieldsV1: ({ Raw }) => embeddedJson(Raw),
  IntOrString: ({ type, intVal, strVal }) => (type === 1 ? (strVal ?? '') : (intVal ?? 0)),
  MicroTime: ({ seconds, nanos }) => timeText(seconds, nanos, true),
  Quantity: ({ string }) => (string === '' ? undefined : string),
  RawExtension: ({ raw }) => embeddedJson(raw),
  Time: ({ seconds, nanos }) => timeText(seconds, nanos, false),
};

/** Seconds and nanoseconds since 1970; an empty message is no time at all. */
function timeText(seconds: unknown, nanos: unknown, withMicros: boolean): string | undefined {
  const wholeSeconds = typeof seconds === 'number' ? seconds : 0;
  const fraction = typeof nanos === 'number' ? nanos : 0;
  const instant = new Date(wholeSeconds * 1000);
  if ((wholeSeconds === 0 && fraction === 0) || Number.isNaN(instant.getTime())) return undefined;
  const text = instant.toISOString().slice(0, 19);
  if (!withMicros) return `${text}Z`;
  return `${text}.${Math.floor(fraction / 1000)
    .toString()
    .padStart(6, '0')}Z`;
}

function embeddedJson(base64: unknown): unknown {
  if (typeof base64 !== 'string' || base64 === '') return undefined;
  return parseJson(Buffer.from(base64, 'base64').toString('utf8')).value;
}

function utf8(value: WireValue): string {
  return Buffer.from(asBytes(value)).toString('utf8');
}

function asBytes(value: WireValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new DecodeError('proto: wrong wireType');
}

function asInteger(value: WireValue): number {
  if (typeof value === 'bigint') return signed(value);
  throw new DecodeError('proto: wrong wireType');
}
