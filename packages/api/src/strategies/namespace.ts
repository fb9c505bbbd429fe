import type { Namespace } from '../generated/types.ts';

const FINALIZER = 'kubernetes';
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** Its content must go before it does; its name is also a label, so that selectors can find it. */
export function prepareNamespace(namespace: Namespace): void {
  namespace.spec ??= {};
  const finalizers = namespace.spec.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) namespace.spec.finalizers = [...finalizers, FINALIZER];
  labelWithName(namespace);
}

/** `spec.finalizers` change through `/finalize` only. */
export function keepNamespaceFinalizers(namespace: Namespace, old: Namespace): void {
  namespace.spec = { ...namespace.spec, finalizers: old.spec?.finalizers };
  labelWithName(namespace);
}

function labelWithName(namespace: Namespace): void {
  namespace.metadata.labels = { ...namespace.metadata.labels, [NAME_LABEL]: namespace.metadata.name };
}
