import { controllerOf, type KubeObject, objectKey, type ResourceType } from '@kubelab/api';
import type { Informer, ObjectKey } from '@kubelab/client';
import type { Seen } from './objects.ts';

/** What a controller gets to put a key into its queue. */
export type Enqueue = (key: ObjectKey, afterMs?: number) => void;
type SeenObject = Seen<KubeObject>;

/** Calls `fn` with every state an object was or is in: after an update with the old and the new one. */
export function onAny<T extends KubeObject>(informer: Informer<T>, fn: (object: Seen<T>) => void): void {
  informer.addHandler({
    onAdd: (object) => fn(object),
    onUpdate: (old, object) => {
      fn(old);
      fn(object);
    },
    onDelete: (object) => fn(object),
  });
}

/** The simplest watch: an object's change wakes its own key. */
export function enqueueSelf<T extends KubeObject>(informer: Informer<T>, enqueue: Enqueue): void {
  const wake = (object: Seen<T>) => enqueue(objectKey(object));
  informer.addHandler({ onAdd: wake, onUpdate: (_old, object) => wake(object), onDelete: wake });
}

const ORPHANS = 'orphans';

/** Lets `orphansOf` find objects without a controller; call before the informers start. */
export function indexOrphans<T extends KubeObject>(informer: Informer<T>): void {
  informer.addIndex(ORPHANS, (object) =>
    controllerOf(object) === undefined ? [(object as SeenObject).metadata.namespace ?? ''] : [],
  );
}

export function orphansOf<T extends KubeObject>(
  informer: Informer<T>,
  namespace: string | undefined,
): Seen<T>[] {
  return informer.byIndex(ORPHANS, namespace ?? '');
}

/**
 * Wakes the owners (of one kind) of what changes: the owner named now and, after a change of owners, the one
 * named before.
 * The uid is compared, so that a new owner of an old name is not woken for its predecessor's children.
 * What has no controller is handed to `onOrphan`: whoever matches may want to adopt it.
 */
export function onOwned<T extends KubeObject, O extends KubeObject>(
  informer: Informer<T>,
  owners: Informer<O>,
  ownerType: ResourceType,
  enqueue: Enqueue,
  onOrphan: (object: Seen<T>) => void = () => undefined,
): void {
  const ownerKeyOf = (object: SeenObject): ObjectKey | undefined => {
    const ref = controllerOf(object);
    if (ref === undefined || ref.kind !== ownerType.kind) return undefined;
    if (groupOf(ref.apiVersion) !== ownerType.group) return undefined;
    const key = objectKey({ metadata: { name: ref.name, namespace: object.metadata.namespace } });
    const owner = owners.get(key) as SeenObject | undefined;
    return owner === undefined || owner.metadata.uid === ref.uid ? key : undefined;
  };
  const wake = (object: Seen<T>) => {
    const key = ownerKeyOf(object);
    if (key !== undefined) enqueue(key);
    else if (controllerOf(object) === undefined) onOrphan(object);
  };
  informer.addHandler({
    onAdd: wake,
    onUpdate: (old, object) => {
      const before = controllerOf(old)?.uid;
      if (before !== undefined && before !== controllerOf(object)?.uid) wake(old);
      wake(object);
    },
    onDelete: wake,
  });
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
