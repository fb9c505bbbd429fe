import type { DeepReadonly, ObjectRef } from '@kubelab/client';
import type { ObjectMeta } from '@kubelab/api';

/** An object as a cache shows it: shared by everyone, so read-only to its last field. */
export type Seen<T> = DeepReadonly<T>;

/** The part of any object that names it. */
export type Named = { readonly metadata: Pick<Seen<ObjectMeta>, 'name' | 'namespace'> };

/** A copy of our own of something from a cache, to be changed and written. */
export function copyOf<T>(value: Seen<T>): T {
  return structuredClone(value) as T;
}

export function refOf({ metadata }: Named): ObjectRef {
  return { name: metadata.name, namespace: metadata.namespace };
}

/** Milliseconds since the epoch of an API time; 0 when there is none. */
export function timeMs(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text);
}

/** Oldest first; the name decides between equals, so that every pass sees the same order. */
export function byCreation(
  a: { readonly metadata: Seen<ObjectMeta> },
  b: { readonly metadata: Seen<ObjectMeta> },
): number {
  return (
    timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp) ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
