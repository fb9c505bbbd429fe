import type { KubeObject } from '@kubelab/api';
import type { CacheEntry } from '../cache/entry.ts';
import type { Negotiated } from '../core/media-type.ts';
import type { ApiResponse, ListMeta, Outcome } from '../core/messages.ts';
import { body, jsonBody } from './body.ts';
import { metadataList, partialMetadata } from './partial-metadata.ts';
import { includeObjectOf, type Projection } from './projection.ts';
import { watchEncoder } from './watch-encoder.ts';

/** Puts what a verb came to into the form the client asked for. */
export async function respond(
  outcome: Outcome,
  projection: Projection,
  warnings: readonly string[],
): Promise<ApiResponse> {
  switch (outcome.kind) {
    case 'watch':
      return {
        kind: 'watch',
        code: 200,
        headers: { 'content-type': watchType(projection.output) },
        warnings,
        watcher: outcome.watcher,
        timeoutMs: outcome.timeoutMs,
        encoder: await watchEncoder(projection),
      };
    case 'stream':
      return { ...outcome, headers: { 'content-type': outcome.contentType }, warnings };
    case 'entry':
      return respondEntry(outcome.entry, outcome.code, projection, warnings);
    case 'object':
      return text(outcome.code, outcome.object, projection, warnings);
    case 'list':
      return respondList(outcome.entries, outcome.meta, projection, warnings);
  }
}

async function respondEntry(
  entry: CacheEntry,
  code: number,
  projection: Projection,
  warnings: readonly string[],
): Promise<ApiResponse> {
  const { output } = projection;
  switch (output.as) {
    case 'object':
      if (isPlainJson(projection)) return body(code, output.contentType, entry.bytes, warnings);
      return text(code, entry.object, projection, warnings);
    case 'metadata':
      return text(code, partialMetadata(entry.object, output.version), projection, warnings);
    case 'table':
      return text(
        code,
        await table([entry], { resourceVersion: String(entry.revision) }, projection),
        projection,
        warnings,
      );
  }
}

async function respondList(
  entries: readonly CacheEntry[],
  meta: ListMeta,
  projection: Projection,
  warnings: readonly string[],
): Promise<ApiResponse> {
  const { output, resource } = projection;
  const { apiVersion } = resource;
  const kind = `${resource.kind}List`;
  switch (output.as) {
    case 'object':
      if (isPlainJson(projection))
        return body(200, output.contentType, listBytes({ kind, apiVersion, meta }, entries), warnings);
      return text(
        200,
        { kind, apiVersion, metadata: meta, items: entries.map(({ object }) => object) },
        projection,
        warnings,
      );
    case 'metadata': {
      const objects = entries.map(({ object }) => object);
      return text(200, metadataList(objects, meta, output.version), projection, warnings);
    }
    case 'table':
      return text(200, await table(entries, meta, projection), projection, warnings);
  }
}

/** The list is its objects' bytes put one after another. */
function listBytes(
  head: { kind: string; apiVersion: string; meta: ListMeta },
  entries: readonly CacheEntry[],
): Buffer {
  const { kind, apiVersion, meta } = head;
  const parts: Uint8Array[] = [
    Buffer.from(`${JSON.stringify({ kind, apiVersion, metadata: meta }).slice(0, -1)},"items":[`),
  ];
  for (const [index, entry] of entries.entries()) {
    if (index > 0) parts.push(COMMA);
    parts.push(entry.bytes);
  }
  parts.push(LIST_END);
  return Buffer.concat(parts);
}

const COMMA = Buffer.from(',');
const LIST_END = Buffer.from(']}');

async function table(
  entries: readonly CacheEntry[],
  meta: ListMeta,
  projection: Projection,
): Promise<object> {
  const { tableOf } = await import('@kubelab/api/server');
  const objects: KubeObject[] = entries.map(({ object }) => object);
  const made = tableOf(projection.resource, objects, {
    listMeta: { ...meta },
    includeObject: includeObjectOf(projection.query),
    nowMs: projection.nowMs(),
  });
  return { ...made, apiVersion: `meta.k8s.io/${projection.output.version}` };
}

function isPlainJson({ output }: Projection): boolean {
  return output.format === 'json';
}

async function text(
  code: number,
  object: object,
  { output }: Projection,
  warnings: readonly string[],
): Promise<ApiResponse> {
  if (output.format === 'yaml') {
    const { stringify } = await import('yaml');
    return body(code, 'application/yaml', Buffer.from(stringify(object)), warnings);
  }
  return jsonBody(code, object, { warnings, contentType: typeFor(object, output) });
}

/** A Status is a Status, whatever projection was asked for. */
function typeFor(object: object, output: Negotiated): string {
  return 'kind' in object && object.kind === 'Status' ? 'application/json' : output.contentType;
}

function watchType(output: Negotiated): string {
  return output.as === 'object' ? 'application/json' : `${output.contentType};stream=watch`;
}
