import { errors } from '@kubelab/api';
import { isTrue } from './request-info.ts';

/** The query of list and watch, checked. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** What the state must be: the newest, any, not older than, or exactly. */
  readonly version: VersionRule;
  /** 0: everything. */
  readonly limit: number;
  readonly continueToken: string | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

export type VersionRule =
  | { readonly type: 'most-recent' }
  | { readonly type: 'any' }
  | { readonly type: 'not-older'; readonly revision: number }
  | { readonly type: 'exact'; readonly revision: number };

export function listOptions(query: URLSearchParams, verb: 'list' | 'watch'): ListOptions {
  const continueToken = query.get('continue') || undefined;
  const sendInitialEvents = query.has('sendInitialEvents')
    ? isTrue(query.get('sendInitialEvents'))
    : undefined;
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    version: versionRule(query, verb, continueToken, sendInitialEvents),
    limit: wholeNumber(query, 'limit') ?? 0,
    continueToken,
    allowWatchBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents,
    timeoutSeconds: wholeNumber(query, 'timeoutSeconds'),
  };
}

/** Of a single get: `0` is any, `N` not older. */
export function versionOfGet(query: URLSearchParams): VersionRule {
  return fromText(query.get('resourceVersion') ?? '');
}

function versionRule(
  query: URLSearchParams,
  verb: 'list' | 'watch',
  continueToken: string | undefined,
  sendInitialEvents: boolean | undefined,
): VersionRule {
  const text = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const refuse = (why: string) => optionsInvalid(verb, 'resourceVersionMatch', match, why);
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    throw refuse('supported values: "Exact", "NotOlderThan"');
  }
  if (verb === 'watch') {
    if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
      throw refuse('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    }
    if (sendInitialEvents === undefined && match !== '') {
      throw refuse('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    }
    return fromText(text);
  }
  if (sendInitialEvents !== undefined) {
    throw optionsInvalid(verb, 'sendInitialEvents', '', 'sendInitialEvents is forbidden for list');
  }
  if (match === '') return fromText(text);
  if (text === '') throw refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (continueToken !== undefined)
    throw refuse('resourceVersionMatch is forbidden when continue is provided');
  if (match === 'NotOlderThan') return fromText(text);
  if (text === '0') throw refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  return { type: 'exact', revision: revisionOf(text) };
}

function fromText(text: string): VersionRule {
  if (text === '') return { type: 'most-recent' };
  if (text === '0') return { type: 'any' };
  return { type: 'not-older', revision: revisionOf(text) };
}

/** A resourceVersion of ours in digits. */
export function revisionOf(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw errors.badRequest(`invalid resource version "${text.slice(0, 40)}"`);
  return Number(text);
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw errors.badRequest(
      `invalid value "${text.slice(0, 40)}" for query parameter "${name}": must be a whole number`,
    );
  }
  return Number(text);
}

function optionsInvalid(verb: string, field: string, value: string, why: string) {
  const kind = verb === 'watch' ? 'ListOptions' : 'ListOptions';
  return errors.invalid({ group: 'meta.k8s.io', kind }, '', [
    { type: 'FieldValueForbidden', field, detail: value === '' ? why : `${why} (got ${value})` },
  ]);
}
