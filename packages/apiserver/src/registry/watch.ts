import { errors } from '@kubelab/api';
import { type ListOptions, listOptions } from '../core/list-options.ts';
import type { Outcome } from '../core/messages.ts';
import type { Call } from './call.ts';
import type { Objects } from './objects.ts';
import { reach } from './read.ts';
import { type Selection, selectionOf } from './selection.ts';

const WATCH_TIMEOUT_MIN_MS = 30 * 60_000;
const WATCH_TIMEOUT_MAX_SECONDS = 24 * 3600;

/** Opens a watch; the door writes it out. Throws 410 when its start is older than the history kept. */
export async function watchObjects(call: Call, objects: Objects): Promise<Outcome> {
  const options = listOptions(call.query, 'watch');
  if (options.version.type === 'exact') throw errors.badRequest('a watch has no exact resourceVersion');
  if (options.sendInitialEvents === true && !options.allowWatchBookmarks) {
    const why = 'sendInitialEvents requires allowWatchBookmarks';
    throw errors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', [
      { type: 'FieldValueForbidden', field: 'allowWatchBookmarks', detail: why },
    ]);
  }
  // An address of one object (`/watch/…/name`) is a selection by name.
  const selection = selectionOf(call.resource, call.info.namespace, withName(call, options));
  return {
    kind: 'watch',
    watcher: await open(call, objects, options, selection),
    timeoutMs: timeoutOf(options, objects),
  };
}

function withName(call: Call, options: ListOptions): Pick<ListOptions, 'labelSelector' | 'fieldSelector'> {
  if (call.info.name === '' || options.fieldSelector !== '') return options;
  return { ...options, fieldSelector: `metadata.name=${call.info.name}` };
}

async function open(call: Call, objects: Objects, options: ListOptions, selection: Selection) {
  const cache = objects.of(call.resource);
  const wantsBookmarks = options.allowWatchBookmarks;
  const fromNow = (initialEventsEndAt?: number) =>
    cache.watchFromNow(objects.cache.revision, selection, { wantsBookmarks, initialEventsEndAt });
  if (options.sendInitialEvents === true) {
    await reach(objects, options.version);
    return fromNow(objects.cache.revision);
  }
  const { version } = options;
  if (version.type === 'not-older') {
    if (!objects.cache.isSynced) await objects.upToDate();
    const watcher = cache.watchFrom(version.revision, selection, { wantsBookmarks });
    if (watcher !== undefined) return watcher;
    throw errors.expired(`too old resource version: ${version.revision} (${cache.floor})`);
  }
  await reach(objects, version);
  if (options.sendInitialEvents !== false) return fromNow();
  const watcher = cache.watchFrom(objects.cache.revision, selection, { wantsBookmarks });
  if (watcher === undefined) throw errors.internalError('the newest version is not in the history');
  return watcher;
}

/** Without a wish of the client: 30 to 60 minutes, so that clients do not come back all at once. */
function timeoutOf(options: ListOptions, { random }: Objects): number {
  const seconds = options.timeoutSeconds;
  if (seconds !== undefined && seconds > 0) return Math.min(seconds, WATCH_TIMEOUT_MAX_SECONDS) * 1000;
  return WATCH_TIMEOUT_MIN_MS + random.int(WATCH_TIMEOUT_MIN_MS);
}
