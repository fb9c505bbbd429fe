/**
 * Turns the published Kubernetes API description into `packages/api/src/generated`. The output is committed,
 * the description is not.
 *
 *   node scripts/generate-api/main.ts [folder with swagger-v1.35.json and protobuf-fields-v1.35.json]
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { shortNames } from './names.ts';
import { type ProtobufFields, protobufTable } from './protobuf.ts';
import { type Resource, readResources } from './resources.ts';
import { schemaTable } from './schema.ts';
import { EXTRA_ROOTS } from './served.ts';
import { type GroupVersionKind, reachable, type Swagger } from './swagger.ts';
import { kindsSource, typesSource } from './types.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const OUTPUT = path.join(ROOT, 'packages/api/src/generated');

async function main(argv: readonly string[]): Promise<void> {
  // 1. The two input files.
  const folder = argv[0] ?? process.env['KUBELAB_API_DATA'] ?? path.join(ROOT, '../shared/data');
  const swagger = (await readJson(folder, 'swagger-v1.35.json')) as Swagger;
  const fields = (await readJson(folder, 'protobuf-fields-v1.35.json')) as ProtobufFields;

  // 2. What is served, and which definitions that needs.
  const resources = readResources(swagger);
  const idOf = definitionsByKind(swagger);
  const kindIds = resources.map((r) => mustHave(idOf, r));
  const bodyIds = resources.flatMap((r) => [
    idOf.get(gvkKey({ ...r, kind: `${r.kind}List` })),
    ...r.subresources.map((s) => idOf.get(gvkKey(s))),
  ]);
  const roots = [...kindIds, ...bodyIds.filter((id) => id !== undefined), ...EXTRA_ROOTS];
  const names = shortNames(reachable(swagger, roots), new Set(kindIds));

  // 3. Short names go into the resource table.
  for (const resource of resources) {
    resource.schema = names.get(mustHave(idOf, resource)) ?? '';
    for (const subresource of resource.subresources) {
      const id = idOf.get(gvkKey(subresource));
      if (id !== undefined) subresource.schema = names.get(id) ?? '';
    }
  }

  // 4. The five outputs.
  const table = schemaTable(swagger, names);
  await mkdir(OUTPUT, { recursive: true });
  await write('schema.json', jsonLines(table));
  await write('resources.json', jsonLines(resources));
  await write('protobuf.json', jsonLines(protobufTable(fields, swagger, names)));
  await write('types.ts', typesSource(table, new Set([...resources.map((r) => r.schema), 'Scale'])));
  await write('kinds.ts', kindsSource(table, resources));
  process.stdout.write(
    `${resources.length} resources, ${names.size} definitions → ${path.relative(ROOT, OUTPUT)}\n`,
  );
}

async function readJson(folder: string, name: string): Promise<unknown> {
  return JSON.parse(await readFile(path.join(folder, name), 'utf8'));
}

async function write(name: string, text: string): Promise<void> {
  await writeFile(path.join(OUTPUT, name), text);
}

function definitionsByKind(swagger: Swagger): Map<string, string> {
  const ids = new Map<string, string>();
  for (const [id, definition] of Object.entries(swagger.definitions)) {
    const gvks = definition['x-kubernetes-group-version-kind'] ?? [];
    for (const gvk of gvks) if (gvks.length === 1) ids.set(gvkKey(gvk), id);
  }
  return ids;
}

function gvkKey({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}

function mustHave(ids: ReadonlyMap<string, string>, resource: Resource): string {
  const id = ids.get(gvkKey(resource));
  if (id === undefined) throw new Error(`${gvkKey(resource)} has no definition`);
  return id;
}

/** JSON with one entry a line: small, and a regeneration reads well as a diff. */
function jsonLines(value: Readonly<Record<string, unknown>> | readonly unknown[]): string {
  if (Array.isArray(value)) return `[\n${value.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;
  const lines = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

await main(process.argv.slice(2));
