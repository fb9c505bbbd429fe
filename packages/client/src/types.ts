import type { Clock, Logger, Random } from '@kubelab/component-base';
import type { DeepReadonly, KubeList, KubeObject, NewObject, ObjectMeta, ResourceType } from '@kubelab/api';

/** `namespace/name`, or `name` for what has no namespace: the key of queues, caches and listers. */
export type ObjectKey = string;

export type { DeepReadonly };

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  /** The server ends the watch after this long. */
  readonly timeoutSeconds?: number | undefined;
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Only `metadata.resourceVersion` (and annotations) are set. */
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      readonly annotations?: Readonly<Record<string, string>>;
    };

export interface GetOptions {
  readonly subresource?: string | undefined;
  /** `0`: whatever the server has at hand, without a word to the store; absent: the newest. */
  readonly resourceVersion?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface WriteOptions {
  /** `status`, `scale`, `binding`, `eviction`, `token`, … */
  readonly subresource?: string | undefined;
  readonly dryRun?: boolean | undefined;
  /** Instead of the usual 10 s. */
  readonly timeoutMs?: number | undefined;
}

export type PatchType = 'strategic' | 'merge' | 'json';

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
}

/** Where an object is: `namespace` absent for what has none. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/**
 * The API server as a component sees it, over REST or gRPC alike. Refusals are `ApiError` (see `isStatus`); a
 * lost connection is retried on the next server for reads, and for writes only when nothing can have been
 * sent.
 */
export interface KubeClient {
  get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: GetOptions): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<KubeList<T>>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    object: NewObject<T>,
    options?: WriteOptions,
  ): Promise<T>;
  /** Replaces; `metadata.resourceVersion` of the object is the precondition. */
  update<T extends KubeObject>(
    type: ResourceType<T>,
    object: DeepReadonly<T>,
    options?: WriteOptions,
  ): Promise<T>;
  updateStatus<T extends KubeObject>(type: ResourceType<T>, object: DeepReadonly<T>): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: unknown,
    options?: WriteOptions & { readonly type?: PatchType },
  ): Promise<T>;
  delete<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  deleteCollection<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<void>;
  /**
   * POST to a subresource whose body is of another kind: binding, eviction, token. Answers the reply as it
   * came.
   */
  createSubresource<R>(type: ResourceType, ref: ObjectRef, subresource: string, body: unknown): Promise<R>;
  /** Ends cleanly when the server ends it; throws `ApiError` with reason Expired when the history is gone. */
  watch<T extends KubeObject>(type: ResourceType<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Any other request: `GET /version`, `POST …/tokenreviews`. */
  raw<R>(verb: 'get' | 'create', path: string, body?: unknown): Promise<R>;
  close(): void;
}

export interface Handlers<T> {
  onAdd?(object: DeepReadonly<T>, inInitialList: boolean): void;
  onUpdate?(old: DeepReadonly<T>, object: DeepReadonly<T>): void;
  /** The last state seen; it may be stale when the deletion itself was missed. */
  onDelete?(object: DeepReadonly<T>): void;
}

/** Read side of an informer's cache. */
export interface Lister<T extends KubeObject> {
  get(key: ObjectKey): DeepReadonly<T> | undefined;
  list(): DeepReadonly<T>[];
  byNamespace(namespace: string): DeepReadonly<T>[];
  byIndex(index: string, value: string): DeepReadonly<T>[];
  /** Objects whose controller ownerReference has this uid. */
  ownedBy(uid: string): DeepReadonly<T>[];
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  addHandler(handlers: Handlers<T>): void;
  /** Must be called before start. `values` gives the index values of an object. */
  addIndex(name: string, values: (object: DeepReadonly<T>) => readonly string[]): void;
  hasSynced(): boolean;
}

/** One informer a resource, shared by all who ask. */
export interface InformerFactory {
  of<T extends KubeObject>(type: ResourceType<T>): Informer<T>;
  /**
   * An informer of its own for part of a resource (e.g. the pods of one node); shared by the same arguments.
   */
  filtered<T extends KubeObject>(
    type: ResourceType<T>,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string },
  ): Informer<T>;
  /** Starts every informer asked for so far that does not run yet. */
  start(signal: AbortSignal): void;
  waitForSync(signal?: AbortSignal): Promise<void>;
}

export type EventType = 'Normal' | 'Warning';

export interface EventRecorder {
  /**
   * Fire and forget; the same event again counts up (`count`, `lastTimestamp`) instead of making a new
   * object.
   */
  event(
    about: {
      readonly apiVersion?: string | undefined;
      /** Always there on what came from the client. */
      readonly kind?: string | undefined;
      readonly metadata: Partial<DeepReadonly<ObjectMeta>>;
    },
    type: EventType,
    reason: string,
    message: string,
  ): void;
}

/**
 * What one pass asked for: nothing more, or another pass after a while. A throw means: again, with back-off.
 */
export interface Result {
  readonly requeueAfterMs?: number;
}
export const done: Result = {};

export interface ReconcileContext {
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface ControllerSpec {
  readonly name: string;
  /** Passes that may run at once; one key is never in two passes. */
  readonly workers: number;
  /** Called once, before the informers start: hook handlers here; `enqueue` puts a key into the queue. */
  watch(enqueue: (key: ObjectKey, afterMs?: number) => void): void;
  reconcile(key: ObjectKey, context: ReconcileContext): Promise<Result>;
}

/** A running loop: get → reconcile → forget or requeue → done. */
export interface Controller {
  readonly name: string;
  run(signal: AbortSignal): Promise<void>;
}

/** What everything here needs from its process. */
export interface RuntimeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** What every controller is built from. */
export interface ControllerDeps extends RuntimeDeps {
  readonly client: KubeClient;
  readonly informers: InformerFactory;
  readonly events: EventRecorder;
}

export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  readonly leaseDurationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Tells of the change on the lease, as upstream does. */
  readonly events?: EventRecorder;
  onStartedLeading(signal: AbortSignal): void;
  /** Lost or given up: the process should end (crash-only). */
  onStoppedLeading(): void;
}

/** How to reach the API server(s). */
export interface ClientConfig {
  /** `https://host:port` (REST) or `grpcs://host:port` (gRPC), in order of preference. */
  readonly servers: readonly string[];
  readonly ca?: string | Uint8Array | undefined;
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  readonly token?: string | undefined;
  /** The name to verify in the server's certificate, when it is not the URL's host. */
  readonly serverName?: string | undefined;
  readonly userAgent: string;
}
