import type { OutEvent } from '../cache/watcher.ts';
import type { WatchEncoder } from '../core/messages.ts';
import { includeObjectOf, type Projection } from './projection.ts';
import { partialMetadata } from './partial-metadata.ts';

/** The annotation on the bookmark that ends the initial events. */
export const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

type Bookmark = Extract<OutEvent, { type: 'BOOKMARK' }>;

/** How one watch's events are written: plain JSON is the entries' own bytes, the rest is made per watch. */
export async function watchEncoder(projection: Projection): Promise<WatchEncoder> {
  const { output, resource } = projection;
  if (output.format === 'json' && output.as === 'object') {
    const { kind, apiVersion } = resource;
    return {
      frame: (event) =>
        event.type === 'BOOKMARK'
          ? frameOf(event.type, bookmarkOf(event, { kind, apiVersion }))
          : event.entry.frame(event.type),
      object: (event) =>
        event.type === 'BOOKMARK' ? json(bookmarkOf(event, { kind, apiVersion })) : event.entry.bytes,
    };
  }
  const project = output.as === 'table' ? await tableProjection(projection) : metadataProjection(projection);
  return {
    frame: (event) => frameOf(event.type, project(event)),
    object: (event) => json(project(event)),
  };
}

function bookmarkOf(event: Bookmark, type: object): object {
  const annotations = event.initialEventsEnd ? { annotations: { [INITIAL_EVENTS_END]: 'true' } } : {};
  return { ...type, metadata: { resourceVersion: String(event.revision), ...annotations } };
}

function metadataProjection({ output }: Projection): (event: OutEvent) => object {
  const type = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${output.version}` };
  return (event) =>
    event.type === 'BOOKMARK' ? bookmarkOf(event, type) : partialMetadata(event.entry.object, output.version);
}

/** Each event's object is a table of one row; only the first carries the columns. */
async function tableProjection({
  resource,
  query,
  output,
  nowMs,
}: Projection): Promise<(event: OutEvent) => object> {
  const { tableOf } = await import('@kubelab/api/server');
  const includeObject = includeObjectOf(query);
  const apiVersion = `meta.k8s.io/${output.version}`;
  let hasColumns = false;
  return (event) => {
    const objects = event.type === 'BOOKMARK' ? [] : [event.entry.object];
    const revision = event.type === 'BOOKMARK' ? event.revision : event.entry.revision;
    const listMeta = { resourceVersion: String(revision) };
    const table = tableOf(resource, objects, { listMeta, includeObject, nowMs: nowMs() });
    const columnDefinitions = hasColumns ? null : table.columnDefinitions;
    hasColumns = true;
    return { ...table, apiVersion, columnDefinitions };
  };
}

function frameOf(type: string, object: object): Uint8Array {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`);
}

function json(object: object): Uint8Array {
  return Buffer.from(JSON.stringify(object));
}
