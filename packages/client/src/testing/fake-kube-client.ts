/**
 * FakeKubeClient — an API server in memory for unit tests of what is built on a KubeClient. It has resource
 * versions and conflicts, uids, generations, the status subresource, finalizers, selectors, list and watch
 * with history, bindings, evictions. It has no defaults, validation, admission, garbage collection or
 * graceful deletion (unless asked).
 */
import {
  ApiError,
  errors,
  fieldsOf,
  keyOf,
  type KubeList,
  type KubeObject,
  type NewObject,
  objectKey,
  parseFieldSelector,
  parseLabelSelector,
  type ResourceType,
} from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { Channel } from '../transport/channel.ts';
import type {
  DeepReadonly,
  DeleteOptions,
  GetOptions,
  KubeClient,
  ListOptions,
  ObjectKey,
  ObjectRef,
  PatchType,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../types.ts';
import { applyPatch } from './fake-patch.ts';
import { type Change, FakeStore, resourceId } from './fake-store.ts';
import { FakeWriter } from './fake-writer.ts';

/** One request as it came in. */
export interface FakeAction {
  readonly verb: 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'watch';
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
  /** The object, patch or other body that was sent. */
  readonly body?: unknown;
}

export interface FakeOptions {
  readonly clock?: Clock;
  /** Deleting a pod that is bound only marks it, as with a kubelet that has yet to stop it. */
  readonly gracefulPods?: boolean;
}

type Interceptor = (action: FakeAction) => Error | undefined | Promise<Error | undefined>;

export class FakeKubeClient implements KubeClient {
  /** Every request since the start or the last `clearActions`. */
  actions: FakeAction[] = [];
  readonly #store = new FakeStore();
  readonly #writer: FakeWriter;
  readonly #watches = new Set<Channel<WatchEvent<KubeObject>>>();
  readonly #interceptors: Interceptor[] = [];

  constructor(options: FakeOptions = {}) {
    const { clock = new FakeClock(), gracefulPods = false } = options;
    this.#writer = new FakeWriter(this.#store, { clock, gracefulPods });
  }

  // For tests: state without requests.

  /** Puts objects there as they are (status too), filling in what a server would. */
  seed<T extends KubeObject>(type: ResourceType<T>, ...objects: (NewObject<T> | T)[]): T[] {
    return objects.map(
      (object) => this.#store.put(type, this.#writer.complete(type, object as NewObject<T>)) as T,
    );
  }
  objects<T extends KubeObject>(type: ResourceType<T>): T[] {
    return [...this.#store.of(type).values()] as T[];
  }
  find<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey): T | undefined {
    return this.#store.of(type).get(key) as T | undefined;
  }
  /** Changes an object as another client would: `change` gets a copy of its own. */
  mutate<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey, change: (object: T) => void): T {
    const copy = structuredClone(this.#store.get(type, key)) as T;
    change(copy);
    return this.#store.put(type, copy) as T;
  }
  removeNow<T extends KubeObject>(type: ResourceType<T>, key: ObjectKey): void {
    this.#store.remove(type, key);
  }
  /** Writes only, for assertions on what a controller did. */
  writes(): FakeAction[] {
    return this.actions.filter(({ verb }) => verb !== 'get' && verb !== 'list' && verb !== 'watch');
  }
  clearActions(): void {
    this.actions = [];
  }
  /** `decide` sees every request before it is done; an error it gives is the answer. */
  intercept(decide: Interceptor): void {
    this.#interceptors.unshift(decide);
  }
  /** Ends all watches, as a server that goes away does; with an error as one that dies. */
  dropWatches(error?: Error): void {
    for (const watch of this.#watches) watch.end(error);
    this.#watches.clear();
  }
  /** As after a compaction: watches from an older resourceVersion are answered with Expired. */
  forgetHistory(): void {
    this.#store.historyFrom = this.#store.revision;
  }
  get watchCount(): number {
    return this.#watches.size;
  }

  // The API.

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: GetOptions = {},
  ): Promise<T> {
    await this.#enter({ verb: 'get', resource: type.resource, ...ref, subresource: options.subresource });
    return structuredClone(this.#store.get(type, keyOf(ref.namespace, ref.name))) as T;
  }

  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    await this.#enter({ verb: 'list', resource: type.resource, namespace: options.namespace });
    const isWanted = selectorOf(type, options);
    const items = this.objects(type).filter(isWanted);
    const from = options.continue === undefined ? 0 : Number(options.continue);
    const to = options.limit === undefined ? items.length : from + options.limit;
    const rest = items.length > to ? { continue: String(to), remainingItemCount: items.length - to } : {};
    return {
      items: items.slice(from, to),
      metadata: { resourceVersion: String(this.#store.revision), ...rest },
    };
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    object: NewObject<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    const { subresource } = options;
    await this.#enter({
      verb: 'create',
      resource: type.resource,
      namespace,
      name,
      subresource,
      body: object,
    });
    const complete = this.#writer.complete(type, object);
    if (this.#store.of(type).has(objectKey(complete)))
      throw errors.alreadyExists(type, complete.metadata.name);
    if (options.dryRun === true) return complete;
    return structuredClone(this.#store.put(type, complete)) as T;
  }

  async update<T extends KubeObject>(
    type: ResourceType<T>,
    object: DeepReadonly<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { name, namespace, resourceVersion } = object.metadata;
    const { subresource } = options;
    await this.#enter({
      verb: 'update',
      resource: type.resource,
      namespace,
      name,
      subresource,
      body: object,
    });
    const old = this.#store.get(type, objectKey(object)) as T;
    if (
      resourceVersion !== '' &&
      resourceVersion !== undefined &&
      resourceVersion !== old.metadata.resourceVersion
    ) {
      throw errors.conflict(type, old.metadata.name);
    }
    return this.#writer.replace(type, old, structuredClone(object) as T, options);
  }

  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: DeepReadonly<T>): Promise<T> {
    return this.update(type, object, { subresource: 'status' });
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: unknown,
    options: WriteOptions & { readonly type?: PatchType } = {},
  ): Promise<T> {
    const { subresource } = options;
    await this.#enter({ verb: 'patch', resource: type.resource, ...ref, subresource, body: patch });
    const old = this.#store.get(type, keyOf(ref.namespace, ref.name)) as T;
    // What a patch brings along must not be shared with the sender.
    const plain: unknown = JSON.parse(JSON.stringify({ old, patch }));
    const copy = plain as { old: Record<string, unknown>; patch: unknown };
    const patched = applyPatch(copy.old, copy.patch, options.type ?? 'strategic') as unknown as T;
    if (patched.metadata.resourceVersion !== old.metadata.resourceVersion)
      throw errors.conflict(type, ref.name);
    if (patched.metadata.uid !== old.metadata.uid)
      throw errors.conflict(type, ref.name, 'the UID in the precondition does not match');
    return this.#writer.replace(type, old, patched, options);
  }

  async delete<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#enter({ verb: 'delete', resource: type.resource, ...ref, body: options });
    this.#writer.delete(type, keyOf(ref.namespace, ref.name), options);
  }

  async deleteCollection<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
  ): Promise<void> {
    await this.#enter({ verb: 'deletecollection', resource: type.resource, namespace: options.namespace });
    const isWanted = selectorOf(type, options);
    for (const object of this.objects(type))
      if (isWanted(object)) this.#writer.delete(type, objectKey(object), {});
  }

  async createSubresource<R>(
    type: ResourceType,
    ref: ObjectRef,
    subresource: string,
    body: unknown,
  ): Promise<R> {
    await this.#enter({ verb: 'create', resource: type.resource, ...ref, subresource, body });
    const key = keyOf(ref.namespace, ref.name);
    if (subresource === 'binding') this.#writer.bind(key, (body as { target: { name: string } }).target.name);
    else if (subresource === 'eviction') this.#writer.delete(type, key, {});
    else throw errors.notFound(type, `${ref.name}/${subresource}`);
    return { kind: 'Status', status: 'Success', code: 201 } as R;
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    await this.#enter({ verb: 'watch', resource: type.resource, namespace: options.namespace });
    const since = Number(options.resourceVersion ?? this.#store.revision);
    if (since < this.#store.historyFrom) throw errors.expired(`too old resource version: ${since}`);
    const isWanted = selectorOf(type, options);
    const id = resourceId(type);
    const channel = new Channel<WatchEvent<KubeObject>>();
    const offer = (change: Change) => {
      if (change.resource !== id || change.revision <= since) return;
      const event = eventOf(change, isWanted as (object: KubeObject) => boolean);
      if (event !== undefined) channel.push(event);
    };
    for (const change of this.#store.history) offer(change);
    const stop = this.#store.onChange(offer);
    const onAbort = () => channel.end();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    if (options.signal?.aborted === true) channel.end();
    this.#watches.add(channel);
    try {
      for await (const event of channel) yield event as WatchEvent<T>;
    } finally {
      stop();
      options.signal?.removeEventListener('abort', onAbort);
      this.#watches.delete(channel);
    }
  }

  async raw<R>(verb: 'get' | 'create', path: string, body?: unknown): Promise<R> {
    await this.#enter({ verb, resource: path, body });
    throw errors.noSuchPath();
  }

  close(): void {
    this.dropWatches();
  }

  async #enter(action: FakeAction): Promise<void> {
    this.actions.push(action);
    for (const decide of this.#interceptors) {
      const error = await decide(action);
      if (error !== undefined) throw error;
    }
  }
}

function selectorOf<T extends KubeObject>(
  type: ResourceType<T>,
  options: ListOptions,
): (object: T) => boolean {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  return (object) =>
    (options.namespace === undefined || object.metadata.namespace === options.namespace) &&
    labels.matches(object.metadata.labels) &&
    fields.matches(fieldsOf(type, object));
}

/** With a selector an object may come into view or leave it without being created or deleted. */
function eventOf(
  change: Change,
  isWanted: (object: KubeObject) => boolean,
): WatchEvent<KubeObject> | undefined {
  const { type, object, old } = change;
  const isIn = type !== 'DELETED' && isWanted(object);
  const wasIn = old !== undefined && isWanted(old);
  if (isIn) return { type: wasIn ? 'MODIFIED' : 'ADDED', object };
  return wasIn ? { type: 'DELETED', object } : undefined;
}

/** For `intercept`: fails the first `times` requests that match. */
export function failing(
  match: Partial<FakeAction>,
  error: Error = new ApiError(INTERNAL),
  times = 1,
): Interceptor {
  let left = times;
  return (action) => {
    const isMatch = Object.entries(match).every(
      ([name, value]) => action[name as keyof FakeAction] === value,
    );
    return isMatch && left-- > 0 ? error : undefined;
  };
}

const INTERNAL = {
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  reason: 'InternalError',
  code: 500,
} as const;
