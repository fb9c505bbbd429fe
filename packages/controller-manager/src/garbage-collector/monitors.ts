import {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Job,
  type KubeObject,
  Lease,
  Namespace,
  Node,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  type ResourceType,
  Service,
  StatefulSet,
} from '@kubelab/api';
import { type ControllerDeps, Reflector, type ReflectorStore } from '@kubelab/client';
import type { ServedType } from '../shared/discovery.ts';
import { nodeOf, type OwnerGraph } from './graph.ts';

/** Resources whose caches other controllers keep anyway: their objects come from there. */
const SHARED: readonly ResourceType[] = [
  Pod,
  ReplicaSet,
  Deployment,
  ReplicationController,
  Service,
  Endpoints,
  EndpointSlice,
  Node,
  Namespace,
  Lease,
  StatefulSet,
  DaemonSet,
  ControllerRevision,
  Job,
  CronJob,
  PodDisruptionBudget,
];

/** Short-lived or never owned: watching them would cost more than it is worth. */
const IGNORED = new Set(['events', 'events.events.k8s.io']);

interface Monitor {
  hasSynced(): boolean;
  stop(): void;
}

/**
 * Watches every resource that can be deleted and keeps the graph; of an object nothing but its metadata's
 * core is kept.
 */
export class Monitors {
  readonly #deps: ControllerDeps;
  readonly #graph: OwnerGraph;
  readonly #look: (uids: readonly string[]) => void;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, Monitor>();

  constructor(
    deps: ControllerDeps,
    options: { graph: OwnerGraph; signal: AbortSignal; look: (uids: readonly string[]) => void },
  ) {
    this.#deps = deps;
    this.#graph = options.graph;
    this.#signal = options.signal;
    this.#look = options.look;
  }

  /** Call before the informers start. */
  watchShared(): void {
    for (const type of SHARED) {
      const informer = this.#deps.informers.of(type);
      informer.addHandler({
        onAdd: (object) => this.#look(this.#graph.upsert(nodeOf(type, object))),
        onUpdate: (_old, object) => this.#look(this.#graph.upsert(nodeOf(type, object))),
        onDelete: ({ metadata }) => this.#look(this.#graph.remove(metadata.uid)),
      });
      this.#running.set(idOf(type), { hasSynced: () => informer.hasSynced(), stop: () => undefined });
    }
  }

  /** Starts what is new among the served resources and stops what is served no more. */
  follow(served: readonly ServedType[]): void {
    const wanted = new Map(served.filter(isCollectable).map((type) => [idOf(type), type]));
    for (const [id, type] of wanted) if (!this.#running.has(id)) this.#running.set(id, this.#start(type));
    for (const [id, monitor] of this.#running) {
      if (wanted.has(id) || SHARED.some((type) => idOf(type) === id)) continue;
      monitor.stop();
      this.#running.delete(id);
    }
  }

  hasSynced(): boolean {
    return [...this.#running.values()].every((monitor) => monitor.hasSynced());
  }

  #start(type: ResourceType): Monitor {
    const stop = new AbortController();
    const store = new GraphStore(type, this.#graph, this.#look);
    const signal = AbortSignal.any([stop.signal, this.#signal]);
    const reflector = new Reflector(this.#deps.client, type, store, this.#deps);
    void reflector.run(signal);
    return { hasSynced: () => store.hasSynced, stop: () => stop.abort(new Error('no longer served')) };
  }
}

class GraphStore implements ReflectorStore<KubeObject> {
  hasSynced = false;
  readonly #type: ResourceType;
  readonly #graph: OwnerGraph;
  readonly #look: (uids: readonly string[]) => void;

  constructor(type: ResourceType, graph: OwnerGraph, look: (uids: readonly string[]) => void) {
    this.#type = type;
    this.#graph = graph;
    this.#look = look;
  }
  replace(objects: readonly KubeObject[]): void {
    const gone = new Set(this.#graph.uidsOf(this.#type));
    for (const object of objects) {
      gone.delete(object.metadata.uid);
      this.upsert(object);
    }
    for (const uid of gone) this.#look(this.#graph.remove(uid));
    this.hasSynced = true;
  }
  upsert(object: KubeObject): void {
    this.#look(this.#graph.upsert(nodeOf(this.#type, object)));
  }
  remove(object: KubeObject): void {
    this.#look(this.#graph.remove(object.metadata.uid));
  }
}

function isCollectable(type: ServedType): boolean {
  const can = (verb: string) => type.verbs.has(verb);
  return can('list') && can('watch') && can('delete') && !IGNORED.has(idOf(type));
}

function idOf({ group, resource }: ResourceType): string {
  return group === '' ? resource : `${resource}.${group}`;
}
