import { errors } from '@kubelab/api';
import type { CacheEntry } from '../cache/entry.ts';
import { decodeContinue, encodeContinue } from '../core/continue-token.ts';
import { type ListOptions, listOptions, type VersionRule, versionOfGet } from '../core/list-options.ts';
import type { Outcome } from '../core/messages.ts';
import { prefixEnd, StoreError } from '../store/store.ts';
import { type Call, keyOfCall } from './call.ts';
import type { Objects } from './objects.ts';
import { type Selection, selectionOf } from './selection.ts';

/** How long a reader waits for a state that this server has not seen yet. */
const FUTURE_VERSION_WAIT_MS = 3000;
/** Pods by `spec.nodeName`: the kubelets' own lists must not walk all pods. */
export const BY_NODE = 'spec.nodeName';

export async function getObject(call: Call, objects: Objects): Promise<CacheEntry> {
  await reach(objects, versionOfGet(call.query));
  const entry = objects.of(call.resource).get(keyOfCall(call));
  if (entry === undefined) throw errors.notFound(call.resource, call.info.name);
  return entry;
}

/** Waits until the cache is as new as the rule wants it. Throws 504 when that version has not come yet. */
export async function reach(objects: Objects, rule: VersionRule): Promise<void> {
  switch (rule.type) {
    case 'most-recent':
      return objects.upToDate();
    case 'any':
      if (!objects.cache.isSynced) await objects.upToDate();
      return;
    case 'not-older':
    case 'exact':
      if (await objects.cache.waitFor(rule.revision, FUTURE_VERSION_WAIT_MS)) return;
      throw errors.tooLargeResourceVersion(rule.revision, objects.cache.revision);
  }
}

export async function listObjects(call: Call, objects: Objects): Promise<Outcome> {
  const options = listOptions(call.query, 'list');
  const selection = selectionOf(call.resource, call.info.namespace, options);
  if (options.continueToken !== undefined) {
    const { revision, start } = decodeContinue(options.continueToken);
    if (!start.startsWith(selection.keyPrefix)) throw errors.badRequest('continue key is not valid');
    return pageAt(call, objects, { selection, options, revision, start });
  }
  await reach(objects, options.version);
  if (options.version.type === 'exact' && options.version.revision !== objects.cache.revision) {
    const { revision } = options.version;
    return pageAt(call, objects, { selection, options, revision, start: selection.keyPrefix });
  }
  const revision = objects.cache.revision;
  const found = candidates(call, objects, selection).filter((entry) => selection.matches(entry));
  return page(found, { options, selection, revision });
}

/** What may match: one key, the pods of one node, or a namespace. */
function candidates(call: Call, objects: Objects, selection: Selection): CacheEntry[] {
  const cache = objects.of(call.resource);
  if (selection.key !== undefined) return [cache.get(selection.key)].filter((entry) => entry !== undefined);
  if (selection.nodeName === undefined) return cache.list(selection.keyPrefix);
  return cache
    .byIndex(BY_NODE, selection.nodeName)
    .filter((entry) => entry.key.startsWith(selection.keyPrefix))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function page(
  found: readonly CacheEntry[],
  at: { readonly options: ListOptions; readonly selection: Selection; readonly revision: number },
): Outcome {
  const { options, selection, revision } = at;
  const resourceVersion = String(revision);
  const next = options.limit > 0 ? found[options.limit] : undefined;
  if (next === undefined) return { kind: 'list', entries: found, meta: { resourceVersion } };
  const meta = {
    resourceVersion,
    continue: encodeContinue({ revision, start: next.key }),
    ...(selection.isNarrowed ? {} : { remainingItemCount: found.length - options.limit }),
  };
  return { kind: 'list', entries: found.slice(0, options.limit), meta };
}

/** A page as of an older revision: the store still has it until it is compacted. */
async function pageAt(
  call: Call,
  objects: Objects,
  at: {
    readonly selection: Selection;
    readonly options: ListOptions;
    readonly revision: number;
    readonly start: string;
  },
): Promise<Outcome> {
  const { selection, options, revision, start } = at;
  const to = selection.keyPrefix === '' ? '\u{10ffff}' : prefixEnd(selection.keyPrefix);
  try {
    // One more than asked for tells where the next page starts; a selector has to see everything.
    const limit = options.limit > 0 && !selection.isNarrowed ? options.limit + 1 : undefined;
    const { entries, count } = await objects.rangeAt(call.resource, {
      from: start,
      to,
      revision,
      ...(limit === undefined ? {} : { limit }),
    });
    const outcome = page(
      entries.filter((entry) => selection.matches(entry)),
      at,
    );
    if (outcome.kind !== 'list' || outcome.meta.remainingItemCount === undefined) return outcome;
    return { ...outcome, meta: { ...outcome.meta, remainingItemCount: count - options.limit } };
  } catch (error) {
    throw expiredPage(error, objects);
  }
}

function expiredPage(error: unknown, objects: Objects): unknown {
  if (!(error instanceof StoreError)) return error;
  if (error.kind === 'future-revision')
    return errors.tooLargeResourceVersion('in the continue token', objects.cache.revision);
  if (error.kind !== 'compacted') return error;
  const why = 'The provided continue parameter is too old to display a consistent list result';
  return errors.expired(`${why}. Start a new list without the continue parameter.`);
}
