import { isScalar } from './schema.ts';
import type { Swagger } from './swagger.ts';

/** The input: message → field → [number, type] | [number, type, "repeated"] | [number, "map", key type, value type]. */
export type ProtobufFields = Readonly<Record<string, Readonly<Record<string, readonly (string | number)[]>>>>;

/**
 * `generated/protobuf.json`: message → field number → [JSON name, type, label?]. `type` is a protobuf scalar or a message of this table;
 * label is "repeated", or "map" (keys are always strings). An empty JSON name means that the member is inlined: its fields belong to
 * the parent, as Go embeds them.
 */
export type ProtobufTable = Record<
  string,
  Record<string, [name: string, type: string, label?: 'repeated' | 'map']>
>;

const PROTO_SCALARS = new Set(['string', 'bool', 'bytes', 'int32', 'int64']);

/** Messages the envelope and the special cases of the codec need, beyond the definitions. */
const EXTRA_MESSAGES = ['k8s.io.apimachinery.pkg.apis.meta.v1.Duration'];

export function protobufTable(
  input: ProtobufFields,
  swagger: Swagger,
  names: ReadonlyMap<string, string>,
): ProtobufTable {
  const table: ProtobufTable = {};
  const queue: string[] = [...EXTRA_MESSAGES];
  for (const id of names.keys()) queue.push(messageOf(id));
  const nameOf = (message: string): string =>
    names.get(definitionOf(message)) ?? message.split('.').slice(-2).join('.');

  for (let message = queue.pop(); message !== undefined; message = queue.pop()) {
    const fields = input[message];
    const name = nameOf(message);
    if (fields === undefined || name in table) continue;
    const definition = swagger.definitions[definitionOf(message)];
    const jsonNames = definition?.properties === undefined ? undefined : Object.keys(definition.properties);
    const row: ProtobufTable[string] = (table[name] = {});
    for (const [field, [number, type, third, fourth]] of Object.entries(fields)) {
      const valueType = String(type === 'map' ? fourth : type);
      if (!PROTO_SCALARS.has(valueType)) queue.push(valueType);
      const label = type === 'map' ? 'map' : third === 'repeated' ? 'repeated' : undefined;
      const rowType = PROTO_SCALARS.has(valueType) ? valueType : nameOf(valueType);
      const json = isScalar(definitionOf(message))
        ? field
        : jsonName(field, jsonNames, !PROTO_SCALARS.has(valueType));
      if (json !== undefined)
        row[String(number)] = label === undefined ? [json, rowType] : [json, rowType, label];
    }
  }
  return Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The JSON name of a protobuf field: itself, or the same but for case (`uID`, `Webhooks`), or inlined (`volumeSource`).
 * A scalar with no counterpart was renamed or dropped in the description: it has no JSON name.
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
