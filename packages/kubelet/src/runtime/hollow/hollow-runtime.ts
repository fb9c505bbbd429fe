import { createHash } from 'node:crypto';
import type { Clock } from '@kubelab/component-base';
import { formatIp, parseCidr, sizeOf } from '../../core/cidr.ts';
import {
  type ContainerConfig,
  type ContainerRecord,
  type ImageInfo,
  type PodListing,
  type PodSandbox,
  type PodSandboxConfig,
  type Runtime,
  RuntimeError,
  type RuntimeEvent,
} from '../types.ts';

export interface HollowRuntimeOptions {
  readonly clock: Clock;
  /** Where pod addresses come from; nothing starts before it is known. */
  readonly podCidr: () => string | undefined;
}

/** Addresses .0 and .1 of a pod range are the network's own. */
const FIRST_POD_ADDRESS = 2;

/**
 * Containers that only pretend: they have names, states, addresses and times, and no processes. For labs without an engine,
 * for scale, and for tests. Deterministic: ids are hashes of names, addresses are handed out in order.
 */
export class HollowRuntime implements Runtime {
  readonly scheme = 'hollow';
  readonly isHollow = true;
  readonly #options: HollowRuntimeOptions;
  readonly #sandboxes = new Map<string, PodSandbox>();
  readonly #containers = new Map<string, ContainerRecord>();
  readonly #listeners = new Set<(event: RuntimeEvent) => void>();
  readonly #images = new Set<string>();

  constructor(options: HollowRuntimeOptions) {
    this.#options = options;
  }

  async version() {
    return { runtime: 'hollow://1', os: 'linux', arch: process.arch === 'x64' ? 'amd64' : process.arch };
  }

  async runPodSandbox(config: PodSandboxConfig): Promise<PodSandbox> {
    const { pod, attempt, namespaces } = config;
    const sandbox: PodSandbox = {
      id: hash(`sandbox ${pod.uid} ${attempt}`),
      pod,
      attempt,
      isReady: true,
      createdAtMs: this.#options.clock.now(),
      ip: namespaces.hostNetwork ? '' : this.#freeIp(),
    };
    this.#sandboxes.set(sandbox.id, sandbox);
    return sandbox;
  }

  async stopPodSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return;
    for (const record of this.#containers.values()) if (record.sandboxId === id) this.#end(record, 137);
    this.#sandboxes.set(id, { ...sandbox, isReady: false, ip: '' });
  }

  async removePodSandbox(id: string): Promise<void> {
    await this.stopPodSandbox(id);
    this.#sandboxes.delete(id);
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const { pod, name, attempt } = config;
    if (this.#sandboxes.get(sandboxId)?.isReady !== true)
      throw new RuntimeError('not-found', 'no such sandbox');
    const id = hash(`container ${pod.uid} ${name} ${attempt}`);
    this.#containers.set(id, {
      id,
      pod,
      name,
      attempt,
      sandboxId,
      hash: config.hash,
      state: 'created',
      image: config.image,
      imageId: `hollow://${imageId(config.image)}`,
      tty: config.tty,
      createdAtMs: this.#options.clock.now(),
    });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const record = this.#container(id);
    this.#containers.set(id, { ...record, state: 'running', startedAtMs: this.#options.clock.now() });
    this.#tell({ type: 'started', podUid: record.pod.uid, id });
  }

  async stopContainer(id: string): Promise<void> {
    const record = this.#containers.get(id);
    if (record !== undefined) this.#end(record, 137);
  }

  async removeContainer(id: string): Promise<void> {
    const record = this.#containers.get(id);
    if (record === undefined) return;
    this.#containers.delete(id);
    this.#tell({ type: 'removed', podUid: record.pod.uid, id });
  }

  async containerStatus(id: string): Promise<ContainerRecord> {
    return this.#container(id);
  }

  /** As if the process had ended by itself: for tests and drills. */
  exit(id: string, exitCode: number): void {
    this.#end(this.#container(id), exitCode);
  }

  async listPods(podUid?: string): Promise<PodListing> {
    const isWanted = ({ pod }: { readonly pod: { readonly uid: string } }) =>
      podUid === undefined || pod.uid === podUid;
    const newestFirst = (a: { attempt: number }, b: { attempt: number }) => b.attempt - a.attempt;
    return {
      sandboxes: [...this.#sandboxes.values()].filter(isWanted).toSorted(newestFirst),
      containers: [...this.#containers.values()].filter(isWanted).toSorted(newestFirst),
    };
  }

  async listStates() {
    const sandboxes = [...this.#sandboxes.values()].map(({ id, pod, isReady }) => ({
      id,
      podUid: pod.uid,
      isRunning: isReady,
    }));
    const containers = [...this.#containers.values()].map(({ id, pod, state }) => ({
      id,
      podUid: pod.uid,
      isRunning: state === 'running',
    }));
    return [...sandboxes, ...containers];
  }

  subscribe(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.add(onEvent);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.#listeners.delete(onEvent);
        resolve();
      });
    });
  }

  execSync(): Promise<never> {
    return Promise.reject(refusal('exec'));
  }
  exec(): Promise<never> {
    return Promise.reject(refusal('exec'));
  }
  attach(): Promise<never> {
    return Promise.reject(refusal('attach'));
  }

  async logs(id: string, _options: unknown, out: { readonly stdout: NodeJS.WritableStream }): Promise<void> {
    const { name, pod } = this.#container(id);
    out.stdout.write(`hollow container ${name} of pod ${pod.namespace}/${pod.name}: no process, no output\n`);
  }

  async imageStatus(image: string): Promise<ImageInfo | undefined> {
    this.#images.add(image);
    return { id: imageId(image), names: [image], digests: [], sizeBytes: 0, user: '65535' };
  }
  async pullImage(image: string): Promise<void> {
    this.#images.add(image);
  }
  async loadImage(): Promise<void> {
    // Every image is there already.
  }
  async listImages(): Promise<readonly ImageInfo[]> {
    return [...this.#images].map((image) => ({
      id: imageId(image),
      names: [image],
      digests: [],
      sizeBytes: 0,
    }));
  }
  async removeImage(image: string): Promise<void> {
    this.#images.delete(image);
  }
  async containerStats(): Promise<undefined> {
    return undefined;
  }
  close(): void {
    // Nothing is held open.
  }

  #container(id: string): ContainerRecord {
    const record = this.#containers.get(id);
    if (record === undefined) throw new RuntimeError('not-found', `no such container: ${id}`);
    return record;
  }

  #end(record: ContainerRecord, exitCode: number): void {
    if (record.state !== 'running') return;
    const finishedAtMs = this.#options.clock.now();
    this.#containers.set(record.id, { ...record, state: 'exited', exitCode, finishedAtMs, oomKilled: false });
    this.#tell({ type: 'died', podUid: record.pod.uid, id: record.id });
  }

  #tell(event: RuntimeEvent): void {
    for (const listener of this.#listeners) queueMicrotask(() => listener(event));
  }

  #freeIp(): string {
    const cidr = parseCidr(this.#options.podCidr() ?? '');
    if (cidr === undefined) throw new RuntimeError('refused', 'the pod CIDR of the node is not known yet');
    const taken = new Set([...this.#sandboxes.values()].map(({ ip }) => ip));
    for (let offset = FIRST_POD_ADDRESS; offset < sizeOf(cidr) - 1; offset++) {
      const ip = formatIp(cidr.base + offset);
      if (!taken.has(ip)) return ip;
    }
    throw new RuntimeError('refused', 'no free address in the pod CIDR');
  }
}

function refusal(what: string): RuntimeError {
  return new RuntimeError(
    'refused',
    `${what} is not possible: this node is hollow, its containers have no processes`,
  );
}

function imageId(image: string): string {
  return `sha256:${hash(`image ${image}`)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
