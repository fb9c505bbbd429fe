/**
 * OpenAPI v3: an index of documents, one a group version. Documents are large (core/v1: 1 MB) and rarely
 * asked for, so they are built for each request; the index needs only their hash, which follows from the
 * table they are built from.
 */
import { createHash } from 'node:crypto';
import table from '../generated/schema.json' with { type: 'json' };
import { hasDefinition } from '../schema/index.ts';
import { resources } from '../scheme.ts';
import { readDescriptions } from './descriptions.ts';
import { pathsFor } from './paths.ts';
import { type Json, schemasFor } from './schemas.ts';
import { documentV2 } from './v2.ts';

export { encodeDocumentV2, V2_PROTOBUF } from './v2-protobuf.ts';

/** Of the description the table was generated from. */
const API_VERSION = 'v1.35.0';
/** Raised when the documents change though the table does not. */
const FORMAT = 1;

export interface OpenapiIndex {
  paths: Record<string, { serverRelativeURL: string }>;
}

/**
 * `GET /openapi/v3`. Keys are `api/v1`, `apis/apps/v1`; a changed hash tells clients that their cached
 * document is stale.
 */
export function openapiV3Index(): OpenapiIndex {
  const paths = documentPaths().map((path): [string, { serverRelativeURL: string }] => [
    path,
    { serverRelativeURL: `/openapi/v3/${path}?hash=${openapiV3Hash(path)}` },
  ]);
  return { paths: Object.fromEntries(paths) };
}

let tableHash: string | undefined;

/** The hash and ETag of a document, in upper-case hex as upstream writes it. */
export function openapiV3Hash(path: string): string {
  tableHash ??= sha512(JSON.stringify(table));
  return sha512(JSON.stringify([FORMAT, API_VERSION, tableHash, servedUnder(path)]));
}

function sha512(text: string): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}

/**
 * `GET /openapi/v3/<path>`; undefined when nothing of it is served. Blocks for some 20 ms: the caller keeps
 * nothing of it.
 */
export function openapiV3(path: string): Json | undefined {
  if (!documentPaths().includes(path)) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: API_VERSION },
    paths: pathsFor(servedUnder(path)),
    components: { schemas: schemasFor(namesOf(path), readDescriptions()) },
  };
}

/** `GET /openapi/v2`, as JSON. Blocks for some 100 ms. */
export function openapiV2(): Json {
  return documentV2(new Set(documentPaths().flatMap(namesOf)), API_VERSION, readDescriptions());
}

function documentPaths(): string[] {
  return [...new Set(resources.map(pathOf))];
}

function servedUnder(path: string): typeof resources {
  return resources.filter((r) => pathOf(r) === path);
}

/** `api/v1`, `apis/apps/v1`. */
function pathOf({ group, apiVersion }: { readonly group: string; readonly apiVersion: string }): string {
  return group === '' ? `api/${apiVersion}` : `apis/${apiVersion}`;
}

/** The definitions the document's operations name. */
function namesOf(path: string): string[] {
  const names = servedUnder(path).flatMap(({ schema, subresources }) => [
    schema,
    `${schema}List`,
    ...subresources.flatMap((s) => s.schema ?? []),
  ]);
  return [...new Set(['DeleteOptions', 'Status', ...names])].filter(hasDefinition);
}
