export { type JsonValue, nextJson, readJson } from './go-json.ts';
export { goString, type MethodJson, protoJson, type ProtoJson } from './proto-json.ts';
