/** `namespace/name`, or `name` for what has no namespace: the key of queues, caches and listers. */
export function objectKey(object: {
  readonly metadata: { readonly name?: string | undefined; readonly namespace?: string | undefined };
}): string {
  return keyOf(object.metadata.namespace, object.metadata.name ?? '');
}

export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `objectKey`. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  if (slash === -1) return { namespace: undefined, name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
