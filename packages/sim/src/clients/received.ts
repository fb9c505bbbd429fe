import type { Init } from '@kubelab/rpc';
import { EventType, type KeyValue, textOf, type WatchResponse } from '@kubelab/rpc/etcd';
import type { Told } from '../checks/revisions.ts';

/** A change as a watch tells it; no value: a deletion. */
export interface SeenEvent extends Told {
  /** The previous pair, described; undefined: none was told. */
  readonly previous: string | undefined;
}

/** One response of a watch, as the checks want it. */
export interface Received {
  readonly type: 'created' | 'compacted' | 'cancelled' | 'progress' | 'events';
  readonly revision: number;
  readonly events: readonly SeenEvent[];
  readonly compactRevision: number;
}

/** Taken at once, as an encoder would: the store goes on. */
export function receivedFrom(response: Init<WatchResponse>): Received {
  const events = (response.events ?? []).map(({ type, kv, prevKv }): SeenEvent => {
    const isDeletion = type === EventType.DELETE;
    return {
      key: text(kv?.key),
      value: isDeletion ? undefined : text(kv?.value),
      revision: kv?.modRevision ?? 0,
      createRevision: kv?.createRevision ?? 0,
      version: kv?.version ?? 0,
      lease: Number(kv?.lease ?? 0),
      previous: prevKv ? textOfKv(prevKv) : undefined,
    };
  });
  const compactRevision = response.compactRevision ?? 0;
  return { type: typeOf(response), revision: response.header?.revision ?? 0, events, compactRevision };
}

/** What a watch needs next, after this: nothing before it is missing. 0: from now on, whenever that is. */
export function nextAfter(next: number, { type, revision, events, compactRevision }: Received): number {
  switch (type) {
    case 'created':
      return next === 0 ? revision + 1 : next;
    case 'compacted':
      return compactRevision;
    case 'cancelled':
      return next;
    case 'progress':
      return Math.max(next, revision + 1);
    case 'events':
      return Math.max(next, (events.at(-1)?.revision ?? 0) + 1);
  }
}

/** A version of a key in the words that all watch checks compare. */
export function describeVersion(version: Omit<SeenEvent, 'lease' | 'previous'>): string {
  const { key, value, revision, createRevision } = version;
  if (value === undefined) return `${key} deleted at ${revision}`;
  return `${key}=${value} m${revision} c${createRevision} v${version.version}`;
}

function typeOf(response: Init<WatchResponse>): Received['type'] {
  if (response.canceled === true) return (response.compactRevision ?? 0) > 0 ? 'compacted' : 'cancelled';
  if (response.created === true) return 'created';
  return (response.events ?? []).length === 0 ? 'progress' : 'events';
}

function textOfKv(kv: Init<KeyValue>): string {
  return `${text(kv.key)}=${text(kv.value)} m${kv.modRevision} c${kv.createRevision} v${kv.version}`;
}

function text(bytes: Init<Uint8Array> | undefined): string {
  return textOf(Uint8Array.from((bytes as Uint8Array) ?? []));
}
