export { type JsonValue, readJson } from './go-json.ts';
export { goString, type MethodJson, protoJson, type ProtoJson } from './proto-json.ts';
export { ValueSplitter } from './value-splitter.ts';
