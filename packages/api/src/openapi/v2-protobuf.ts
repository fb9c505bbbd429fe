/**
 * An OpenAPI v2 document as protobuf, the only form in which kubectl takes it. Messages and field numbers are
 * those of gnostic's `openapi.v2.Document`.
 */
import type { Json } from './schemas.ts';

export const V2_PROTOBUF = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

const DOCUMENT = { swagger: 1, info: 2, paths: 8, definitions: 9 };
const INFO = { title: 1, version: 2 };
const NAMED = { name: 1, value: 2 };
const ANY_YAML = 2;
const SCHEMA = {
  ref: 1,
  format: 2,
  description: 4,
  required: 19,
  additionalProperties: 21,
  type: 22,
  items: 23,
  properties: 25,
  vendorExtension: 31,
};

export function encodeDocumentV2(document: Json): Buffer {
  const { swagger, info, definitions } = document as {
    swagger: string;
    info: { title: string; version: string };
    definitions: Json;
  };
  return Buffer.concat([
    text(DOCUMENT.swagger, swagger),
    message(DOCUMENT.info, text(INFO.title, info.title), text(INFO.version, info.version)),
    message(DOCUMENT.paths),
    message(DOCUMENT.definitions, ...namedSchemas(definitions)),
  ]);
}

/** Definitions and properties alike: `repeated NamedSchema additional_properties = 1`. */
function namedSchemas(schemas: Json): Buffer[] {
  return Object.entries(schemas).map(([name, schema]) =>
    message(1, text(NAMED.name, name), message(NAMED.value, schemaOf(schema))),
  );
}

function schemaOf(value: unknown): Buffer {
  const schema = value as {
    $ref?: string;
    format?: string;
    description?: string;
    required?: string[];
    additionalProperties?: Json;
    type?: string;
    items?: Json;
    properties?: Json;
  };
  const { $ref, format, description, required = [], additionalProperties, type, items, properties } = schema;
  const extensions = Object.entries(schema).filter(([key]) => key.startsWith('x-'));
  return Buffer.concat([
    ...($ref === undefined ? [] : [text(SCHEMA.ref, $ref)]),
    ...(format === undefined ? [] : [text(SCHEMA.format, format)]),
    ...(description === undefined ? [] : [text(SCHEMA.description, description)]),
    ...required.map((name) => text(SCHEMA.required, name)),
    ...(additionalProperties === undefined
      ? []
      : [message(SCHEMA.additionalProperties, message(1, schemaOf(additionalProperties)))]),
    ...(type === undefined ? [] : [message(SCHEMA.type, text(1, type))]),
    ...(items === undefined ? [] : [message(SCHEMA.items, message(1, schemaOf(items)))]),
    ...(properties === undefined ? [] : [message(SCHEMA.properties, ...namedSchemas(properties))]),
    ...extensions.map(([key, extension]) =>
      message(
        SCHEMA.vendorExtension,
        text(NAMED.name, key),
        // JSON is YAML.
        message(NAMED.value, text(ANY_YAML, JSON.stringify(extension))),
      ),
    ),
  ]);
}

/** Wire type 2: a length, then that many bytes. */
function message(field: number, ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([varint(field * 8 + 2), varint(size), ...parts]);
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}
