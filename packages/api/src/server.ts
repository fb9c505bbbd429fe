// What only an API server needs: the schema table, codecs, patches, defaulting, validation, discovery. One
// export a line.
export * from './scheme.ts';
export { applyDefaults } from './defaults/index.ts';
export {
  BODY_TYPES,
  conformObject,
  decodeAs,
  type Decoded,
  decodeObject,
  type DecodeOptions,
} from './codec/index.ts';
export {
  complete,
  conform,
  type Conformed,
  DecodeError,
  type Definition,
  definitionOf,
  type Field,
} from './schema/index.ts';
export * from './patch/index.ts';
export * from './discovery/index.ts';
export {
  encodeDocumentV2,
  openapiV2,
  openapiV3,
  openapiV3Hash,
  openapiV3Index,
  V2_PROTOBUF,
} from './openapi/index.ts';
export * from './strategies/index.ts';
export * from './tables/index.ts';
export { type ApplyOptions, applyServerSide, trackUpdate } from './apply/index.ts';
export { cronError, validate, validateBinding } from './validation/index.ts';
