import { getCondition, isStatus, Node, semanticEqual } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { type Clock, errorMessage, type Logger } from '@kubelab/component-base';
import { nodeLabels, nodeStatus, type NodeStatusInput, withoutHeartbeats } from '../core/node-status.ts';
import type { NodeObject } from '../core/types.ts';
import type { Runtime } from '../runtime/types.ts';
import type { SystemInfo } from '../core/node-status.ts';

export interface NodeReporterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtime: Runtime;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Readonly<Record<string, string>>;
  readonly port: number;
  readonly system: SystemInfo;
  readonly kubeletVersion: string;
  readonly updateMs: number;
  readonly runtimeVersion: () => string | undefined;
  podCidr(): string | undefined;
}

/** An unchanged status is written this often, for those who look at its heartbeats. */
const HEARTBEAT_MS = 5 * 60_000;
/**
 * A node that was Ready when its kubelet started again says nothing new for so long while the engine is asked: nobody has to move
 * away from it.
 */
const RUNTIME_WAIT_MS = 5_000;
const RETRY_MS_MIN = 200;
const RETRY_MS_MAX = 7_000;

/** Registers the node and keeps its status told: at once when something changed, else seldom. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;
  #node: NodeObject | undefined;
  #writtenAtMs = 0;
  #wake: (() => void) | undefined;
  #isAsked = false;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  /** As the API had it last; undefined before the registration. */
  get node(): NodeObject | undefined {
    return this.#node;
  }

  /** The Node as somebody left it: when others think our Ready wrong (we were silent for a while), we say it again. */
  observe(node: NodeObject): void {
    if (this.#node === undefined || node.metadata.uid !== this.#node.metadata.uid) return;
    const wasReady = getCondition(this.#node.status?.conditions, 'Ready')?.status;
    this.#node = node;
    if (getCondition(node.status?.conditions, 'Ready')?.status !== wasReady) this.report();
  }

  /** Something changed: report now. */
  report(): void {
    this.#isAsked = true;
    this.#wake?.();
  }

  async register(signal: AbortSignal): Promise<void> {
    const { clock, log, nodeName } = this.#options;
    for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
      try {
        this.#node = await this.#createOrUpdate();
        log.info('node registered', { node: nodeName });
        return;
      } catch (err) {
        if (signal.aborted) throw err;
        log.warn('node not registered', { err: errorMessage(err) });
        await clock.sleep(retryMs, signal);
      }
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, updateMs, runtimeVersion } = this.#options;
    const wasReady = getCondition(this.#node?.status?.conditions, 'Ready')?.status === 'True';
    if (wasReady && runtimeVersion() === undefined) await this.#pause(RUNTIME_WAIT_MS, signal);
    while (!signal.aborted) {
      try {
        await this.#reportOnce();
      } catch (err) {
        log.warn('node status not written', { err: errorMessage(err) });
        this.#node = undefined;
        await clock.sleep(RETRY_MS_MIN, signal).catch(() => undefined);
        if (!signal.aborted) await this.register(signal).catch(() => undefined);
        continue;
      }
      await this.#pause(updateMs, signal);
    }
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isAsked) {
      const stop = new AbortController();
      const asked = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const slept = this.#options.clock
        .sleep(ms, AbortSignal.any([stop.signal, signal]))
        .catch(() => undefined);
      await Promise.race([asked, slept]);
      stop.abort(new Error('awake'));
      this.#wake = undefined;
    }
    this.#isAsked = false;
  }

  async #createOrUpdate(): Promise<Node> {
    const { client, nodeName, labels, system } = this.#options;
    const wanted = { ...nodeLabels(nodeName, system.os, system.arch), ...labels };
    const metadata = {
      name: nodeName,
      labels: wanted,
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    };
    try {
      return await client.create(Node, { metadata, spec: {}, status: await this.#status(undefined) });
    } catch (error) {
      if (!isStatus(error, 'AlreadyExists')) throw error;
    }
    const node = await client.get(Node, { name: nodeName });
    const hasLabels = Object.entries(wanted).every(([name, value]) => node.metadata.labels?.[name] === value);
    return hasLabels
      ? node
      : client.patch(Node, { name: nodeName }, { metadata: { labels: wanted } }, { type: 'merge' });
  }

  async #reportOnce(): Promise<void> {
    const { client, clock, nodeName } = this.#options;
    const status = await this.#status(this.#node);
    const isChanged = !semanticEqual(withoutHeartbeats(status), withoutHeartbeats(ownPart(this.#node)));
    if (!isChanged && clock.monotonic() - this.#writtenAtMs < HEARTBEAT_MS) return;
    this.#node = await client.patch(
      Node,
      { name: nodeName },
      { status },
      { subresource: 'status', type: 'strategic' },
    );
    this.#writtenAtMs = clock.monotonic();
  }

  async #status(node: NodeObject | undefined) {
    const { options } = { options: this.#options };
    const input: NodeStatusInput = {
      ...options,
      addresses: [options.nodeIp],
      runtimeVersion: options.runtimeVersion(),
      hasPodCidr: options.podCidr() !== undefined,
      images: options.runtimeVersion() === undefined ? [] : await images(options.runtime),
      previous: node?.status,
      nowMs: options.clock.now(),
    };
    return nodeStatus(input);
  }
}

/** The fields that we write, so that others' parts of the status are no difference. */
function ownPart(node: NodeObject | undefined): NodeObject['status'] {
  const {
    addresses,
    capacity,
    allocatable,
    conditions,
    daemonEndpoints,
    images: held,
    nodeInfo,
  } = node?.status ?? {};
  const ours = new Set(['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']);
  return {
    addresses,
    capacity,
    allocatable,
    conditions: conditions?.filter(({ type }) => ours.has(type)),
    daemonEndpoints,
    images: held,
    nodeInfo,
  };
}

async function images(runtime: Runtime) {
  try {
    return await runtime.listImages();
  } catch {
    return []; // the engine went away just now; its absence is told by the Ready condition
  }
}
