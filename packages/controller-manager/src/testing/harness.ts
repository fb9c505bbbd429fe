import {
  ConfigMap,
  Deployment,
  Namespace,
  Pod,
  type PodSpec,
  ReplicaSet,
  type ResourceType,
} from '@kubelab/api';
import {
  type Controller,
  type ControllerDeps,
  type ControllerSpec,
  createController,
  createInformerFactory,
  type EventType,
} from '@kubelab/client';
import { FakeKubeClient, startInformers } from '@kubelab/client/testing';
import { type Random, seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock, settle } from '@kubelab/component-base/testing';

export interface RecordedEvent {
  readonly about: string;
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

const SERVED: readonly ResourceType[] = [Pod, ConfigMap, Namespace, ReplicaSet, Deployment];

/** The API server in memory, with discovery of a few resources. */
class DiscoverableClient extends FakeKubeClient {
  override raw<R>(verb: 'get' | 'create', path: string, body?: unknown): Promise<R> {
    const groups = [...new Set(SERVED.map(({ group }) => group))].filter((group) => group !== '');
    if (path === '/apis') {
      const answer = groups.map((name) => ({
        name,
        preferredVersion: { groupVersion: `${name}/v1` },
        versions: [],
      }));
      return Promise.resolve({ groups: answer } as R);
    }
    const served = SERVED.filter(
      ({ apiVersion }) => path === `/api/${apiVersion}` || path === `/apis/${apiVersion}`,
    );
    if (served.length === 0) return super.raw(verb, path, body);
    const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
    return Promise.resolve({
      resources: served.map(({ resource: name, kind, namespaced }) => ({ name, kind, namespaced, verbs })),
    } as R);
  }
}

/** Controllers on an API server in memory and a clock of the test's own. */
export interface Harness {
  readonly client: FakeKubeClient;
  readonly clock: FakeClock;
  readonly deps: ControllerDeps;
  readonly events: RecordedEvent[];
  /** Lets everything run until nothing moves any more; time stands still. */
  readonly quiet: () => Promise<void>;
  /** Moves time on, then waits for quiet. */
  readonly pass: (ms: number) => Promise<void>;
  readonly stop: () => void;
}

export interface HarnessOptions {
  readonly seed?: number;
  readonly gracefulPods?: boolean;
  /** So many processes believe that they lead, each with caches of its own. */
  readonly leaders?: number;
  /** Objects that exist before the controllers start. */
  prepare?(client: FakeKubeClient): void;
}

export async function startHarness(
  make: (deps: ControllerDeps) => readonly ControllerSpec[],
  options: HarnessOptions = {},
): Promise<Harness> {
  const clock = new FakeClock();
  const client = new DiscoverableClient({ clock, gracefulPods: options.gracefulPods ?? false });
  const random: Random = seededRandom(options.seed ?? 1);
  const events: RecordedEvent[] = [];
  const stop = new AbortController();
  options.prepare?.(client);
  const startProcess = async (): Promise<ControllerDeps> => {
    const log = silentLogger;
    const informers = createInformerFactory(client, { clock, random, log });
    const deps: ControllerDeps = {
      client,
      informers,
      clock,
      random,
      log,
      events: {
        event: ({ kind, metadata }, type, reason, message) =>
          void events.push({ about: `${kind}/${metadata.name}`, type, reason, message }),
      },
    };
    const controllers: Controller[] = make(deps).map((spec) => createController(spec, deps));
    await startInformers(informers, stop);
    for (const controller of controllers) void controller.run(stop.signal);
    return deps;
  };
  const deps = await startProcess();
  for (let more = 1; more < (options.leaders ?? 1); more++) await startProcess();

  const quiet = async (): Promise<void> => {
    // The queues run on promises and immediates; when several rounds bring no request, nothing moves any
    // more.
    for (let still = 0; still < QUIET_ROUNDS; ) {
      const before = client.actions.length;
      await clock.advance(0);
      await settle();
      still = client.actions.length === before ? still + 1 : 0;
    }
  };
  await quiet();
  return {
    client,
    clock,
    deps,
    events,
    quiet,
    async pass(ms) {
      await clock.advance(ms);
      await quiet();
    },
    stop: () => stop.abort(new Error('test is over')),
  };
}

const QUIET_ROUNDS = 10;

/** A pod template's worth of spec. */
export const podSpec: PodSpec = { containers: [{ name: 'web', image: 'web:1' }] };

/** What a kubelet would report for a pod that runs. */
export function makeReady(client: FakeKubeClient, pod: Pod, nowText: string, isReady = true): void {
  const { namespace, name } = pod.metadata;
  const set = (object: Pod) => {
    object.spec.nodeName ??= 'node-1';
    object.status = {
      ...object.status,
      phase: 'Running',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: nowText }],
    };
  };
  client.mutate(Pod, `${namespace}/${name}`, set);
}
