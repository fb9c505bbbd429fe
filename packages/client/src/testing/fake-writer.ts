/**
 * What a write does to an object: what the server fills in, what each endpoint may change, what deletion
 * waits for.
 */
import { errors, type KubeObject, type NewObject, objectKey, Pod, type ResourceType } from '@kubelab/api';
import { type Clock, randomSuffix, rfc3339, seededRandom } from '@kubelab/component-base';
import type { DeleteOptions, ObjectKey, WriteOptions } from '../types.ts';
import type { FakeStore } from './fake-store.ts';

export class FakeWriter {
  readonly #store: FakeStore;
  readonly #clock: Clock;
  readonly #gracefulPods: boolean;
  readonly #random = seededRandom(1);

  constructor(store: FakeStore, options: { readonly clock: Clock; readonly gracefulPods: boolean }) {
    this.#store = store;
    this.#clock = options.clock;
    this.#gracefulPods = options.gracefulPods;
  }

  complete<T extends KubeObject>(type: ResourceType<T>, object: NewObject<T> | T): T {
    const copy = JSON.parse(JSON.stringify(object)) as T;
    const { metadata } = copy;
    copy.apiVersion = type.apiVersion;
    copy.kind = type.kind;
    if (!metadata.name && metadata.generateName !== undefined)
      metadata.name = metadata.generateName + randomSuffix(this.#random);
    if (!metadata.name) throw errors.badRequest('name or generateName is required');
    if (type.namespaced) metadata.namespace ??= 'default';
    metadata.uid ??= this.#random.uuid();
    metadata.creationTimestamp ??= rfc3339(this.#clock.now());
    if ('spec' in copy) metadata.generation ??= 1;
    return copy;
  }

  /** What the main endpoint and the status endpoint each may change, and what follows from it. */
  replace<T extends KubeObject>(type: ResourceType<T>, old: T, wanted: T, options: WriteOptions): T {
    const before = old as Fields;
    const asked = wanted as Fields;
    let next: Fields;
    if (options.subresource === 'status') next = { ...structuredClone(before), status: asked['status'] };
    else next = { ...asked, ...('status' in before ? { status: structuredClone(before['status']) } : {}) };
    const object = next as unknown as T;
    if (options.subresource !== 'status' && !('status' in before)) delete next['status'];
    const { metadata } = object;
    const { uid, creationTimestamp, deletionTimestamp, generation } = old.metadata;
    Object.assign(metadata, { uid, creationTimestamp });
    if (deletionTimestamp !== undefined) metadata.deletionTimestamp = deletionTimestamp;
    if (generation !== undefined) {
      metadata.generation = isSame(before['spec'], next['spec']) ? generation : generation + 1;
    }
    // A write that changes nothing is no write: no event, the same version.
    metadata.resourceVersion = old.metadata.resourceVersion;
    if (isSame(old, object) || options.dryRun === true) return structuredClone(object);
    const key = objectKey(object);
    if (
      metadata.deletionTimestamp !== undefined &&
      (metadata.finalizers ?? []).length === 0 &&
      hadFinalizers(old)
    ) {
      return this.#store.remove(type, key) as T;
    }
    return structuredClone(this.#store.put(type, object)) as T;
  }

  delete(type: ResourceType, key: ObjectKey, options: DeleteOptions): void {
    const old = this.#store.get(type, key);
    const { preconditions } = options;
    const isOther = preconditions?.uid !== undefined && preconditions.uid !== old.metadata.uid;
    const isNewer =
      preconditions?.resourceVersion !== undefined &&
      preconditions.resourceVersion !== old.metadata.resourceVersion;
    if (isOther || isNewer) throw errors.conflict(type, old.metadata.name, 'precondition failed');
    const finalizer = { Foreground: 'foregroundDeletion', Orphan: 'orphan', Background: undefined }[
      options.propagationPolicy ?? 'Background'
    ];
    const waitsForKubelet =
      this.#gracefulPods &&
      type.resource === Pod.resource &&
      options.gracePeriodSeconds !== 0 &&
      isBound(old);
    if (finalizer === undefined && !hadFinalizers(old) && !waitsForKubelet) {
      this.#store.remove(type, key);
      return;
    }
    const copy = structuredClone(old);
    copy.metadata.deletionTimestamp ??= rfc3339(this.#clock.now());
    if (waitsForKubelet) copy.metadata.deletionGracePeriodSeconds = options.gracePeriodSeconds ?? 30;
    if (finalizer !== undefined)
      copy.metadata.finalizers = [...new Set([...(copy.metadata.finalizers ?? []), finalizer])];
    if (!isSame(old, copy)) this.#store.put(type, copy);
  }

  bind(key: ObjectKey, nodeName: string): void {
    const pod = structuredClone(this.#store.get(Pod, key)) as Pod;
    if (pod.spec.nodeName !== undefined && pod.spec.nodeName !== '') {
      throw errors.conflict(
        Pod,
        pod.metadata.name,
        `pod ${pod.metadata.name} is already assigned to node "${pod.spec.nodeName}"`,
      );
    }
    pod.spec.nodeName = nodeName;
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
    const lastTransitionTime = rfc3339(this.#clock.now());
    pod.status = {
      ...pod.status,
      conditions: [...others, { type: 'PodScheduled', status: 'True', lastTransitionTime }],
    };
    this.#store.put(Pod, pod);
  }
}

type Fields = Record<string, unknown>;

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a, sortedKeys) === JSON.stringify(b, sortedKeys);
}

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function hadFinalizers(object: KubeObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0;
}

function isBound(object: KubeObject): boolean {
  return ((object as Pod).spec.nodeName ?? '') !== '';
}
