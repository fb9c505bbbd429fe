import { isScalar } from './schema.ts';
import type { Swagger } from './swagger.ts';

/**
 * The input: message → field → [number, type] | [number, type, "repeated"] | [number, "map", key type, value
 * type].
 */
export type ProtobufFields = Readonly<Record<string, Readonly<Record<string, readonly (string | number)[]>>>>;

/**
 * `generated/protobuf.json`: message → field number → [JSON name, type, label?]. `type` is a protobuf scalar
 * or a message of this table; label is "repeated", or "map" (keys are always strings). An empty JSON name
 * means that the member is inlined: its fields belong to the parent, as Go embeds them. The name `[]` means
 * that the message is nothing but this list (`ExtraValue`).
 */
export type ProtobufTable = Record<
  string,
  Record<string, [name: string, type: string, label?: 'repeated' | 'map']>
>;

const PROTO_SCALARS = new Set(['string', 'bool', 'bytes', 'int32', 'int64']);

export function protobufTable(
  input: ProtobufFields,
  swagger: Swagger,
  names: ReadonlyMap<string, string>,
): ProtobufTable {
  const table: ProtobufTable = {};
  const queue = [...names.keys()].map(messageOf);
  const nameOf = (message: string): string =>
    names.get(definitionOf(message)) ?? message.split('.').slice(-2).join('.');

  const jsonNameIn = (
    message: string,
    fields: object,
    field: string,
    isMessage: boolean,
  ): string | undefined => {
    if (isScalar(definitionOf(message))) return field;
    if (/\.(ExtraValue|Verbs)$/.test(message) && Object.keys(fields).join() === 'items') return '[]';
    const properties = swagger.definitions[definitionOf(message)]?.properties;
    return jsonName(field, properties === undefined ? undefined : Object.keys(properties), isMessage);
  };

  for (let message = queue.pop(); message !== undefined; message = queue.pop()) {
    const fields = input[message];
    const name = nameOf(message);
    if (fields === undefined || name in table) continue;
    const row: ProtobufTable[string] = (table[name] = {});
    for (const [field, [number, type, third, fourth]] of Object.entries(fields)) {
      const valueType = String(type === 'map' ? fourth : type);
      const isMessage = !PROTO_SCALARS.has(valueType);
      const json = jsonNameIn(message, fields, field, isMessage);
      if (json === undefined) continue;
      if (isMessage) queue.push(valueType);
      const label = type === 'map' ? 'map' : third === 'repeated' ? 'repeated' : undefined;
      const rowType = isMessage ? nameOf(valueType) : valueType;
      row[String(number)] = label === undefined ? [json, rowType] : [json, rowType, label];
    }
  }
  return Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The JSON name of a protobuf field: itself, or the same but for case (`uID`, `Webhooks`), or inlined
 * (`volumeSource`). A scalar with no counterpart was renamed or dropped in the description: it has no JSON
 * name.
 */
function jsonName(
  field: string,
  jsonNames: readonly string[] | undefined,
  isMessage: boolean,
): string | undefined {
  if (jsonNames === undefined || jsonNames.includes(field)) return field;
  const folded = field.toLowerCase();
  const match = jsonNames.find(
    (name) => name.toLowerCase() === folded || name.toLowerCase() === `${folded}s`,
  );
  if (match !== undefined) return match;
  return isMessage && INLINED.has(field) ? '' : undefined;
}

/** Go's embedded structs, as the messages name them. */
const INLINED = new Set([
  'deviceConfiguration',
  'ephemeralContainerCommon',
  'handler',
  'ingressRuleValue',
  'localObjectReference',
  'persistentVolumeSource',
  'rule',
  'ruleWithOperations',
  'volumeSource',
]);

function messageOf(definition: string): string {
  return definition.replace(/^io\.k8s\./, 'k8s.io.');
}

function definitionOf(message: string): string {
  return message.replace(/^k8s\.io\./, 'io.k8s.');
}
