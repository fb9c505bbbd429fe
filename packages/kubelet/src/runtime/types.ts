import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '@kubelab/streams';

/**
 * What the kubelet wants of whatever runs containers: the shape of upstream's CRI (`runtime.v1`), so that a containerd
 * one can stand beside the Docker one. Ids are the runtime's own, without a scheme. Calls that name something that is gone
 * throw `RuntimeError` with reason `not-found`, except stop and remove, for which gone is done.
 */
export interface Runtime {
  /** The scheme of container ids in a pod's status: `docker://<id>`. */
  readonly scheme: string;
  /** Nothing really runs: probes and hooks have nobody to ask and count as passed. */
  readonly isHollow: boolean;
  version(): Promise<RuntimeVersion>;

  runPodSandbox(config: PodSandboxConfig): Promise<PodSandbox>;
  stopPodSandbox(id: string): Promise<void>;
  removePodSandbox(id: string): Promise<void>;

  createContainer(sandboxId: string, config: ContainerConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Asks with the image's stop signal, then kills after the grace period. A second call with less time cuts the first short. */
  stopContainer(id: string, gracePeriodSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<ContainerRecord>;

  /** CRI's ListPodSandbox and ListContainers in one, with the status of each; only what this kubelet made. */
  listPods(podUid?: string): Promise<PodListing>;
  /** Ids and states only: cheap enough for a slow relist. */
  listStates(): Promise<readonly StateEntry[]>;
  /** Resolves when the stream of events ends (the engine went away, or the signal). */
  subscribe(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;

  execSync(id: string, command: readonly string[], timeoutMs: number): Promise<ExecResult>;
  /** Resolves with the exit code. */
  exec(id: string, command: readonly string[], tty: boolean, io: StreamIo): Promise<number>;
  /** Resolves when the container ends or the client goes. */
  attach(id: string, io: StreamIo): Promise<void>;
  logs(id: string, options: LogOptions, out: LogSinks, signal: AbortSignal): Promise<void>;

  imageStatus(image: string): Promise<ImageInfo | undefined>;
  /** Pulls from a registry. */
  pullImage(image: string, credentials: RegistryCredentials | undefined): Promise<void>;
  /** Loads a `docker save` archive. */
  loadImage(tar: Readable): Promise<void>;
  listImages(): Promise<readonly ImageInfo[]>;
  removeImage(image: string): Promise<void>;

  containerStats(id: string): Promise<ContainerStats | undefined>;
  close(): void;
}

export type RuntimeErrorReason = 'not-found' | 'down' | 'refused';

/** The engine answered no, or not at all. */
export class RuntimeError extends Error {
  readonly reason: RuntimeErrorReason;
  constructor(reason: RuntimeErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeError';
    this.reason = reason;
  }
}

export interface RuntimeVersion {
  /** `docker://20.10.24`, as nodeInfo.containerRuntimeVersion has it. */
  readonly runtime: string;
  /** Go's names: `linux`, `amd64`. */
  readonly os: string;
  readonly arch: string;
}

export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export interface DnsConfig {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface PodSandboxConfig {
  readonly pod: PodIdentity;
  readonly attempt: number;
  readonly hostname: string;
  /** `hostname.domainname` stands before the host name in /etc/hosts, so that `hostname -f` finds it. */
  readonly domainname?: string | undefined;
  /** undefined: the node's own resolv.conf. */
  readonly dns: DnsConfig | undefined;
  readonly hostAliases: readonly { readonly ip: string; readonly hostnames: readonly string[] }[];
  readonly namespaces: NamespaceOptions;
  readonly sysctls: Readonly<Record<string, string>>;
}

export interface NamespaceOptions {
  readonly hostNetwork: boolean;
  readonly hostPid: boolean;
  readonly hostIpc: boolean;
  readonly sharePid: boolean;
}

export interface PodSandbox {
  readonly id: string;
  readonly pod: PodIdentity;
  readonly attempt: number;
  readonly isReady: boolean;
  readonly createdAtMs: number;
  /** Empty on the host's network, and while not ready. */
  readonly ip: string;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly readOnly: boolean;
  readonly propagation: 'private' | 'rslave' | 'rshared';
}

export interface ContainerResources {
  /** cgroup v1 shares; undefined leaves the engine's own. */
  readonly cpuShares?: number;
  readonly nanoCpus?: number;
  readonly memoryBytes?: number;
  readonly oomScoreAdj: number;
}

export interface ContainerSecurity {
  readonly user?: string;
  readonly groups: readonly string[];
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly privileged: boolean;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly seccompUnconfined: boolean;
}

export interface ContainerConfig {
  readonly pod: PodIdentity;
  readonly name: string;
  readonly attempt: number;
  /** What the engine calls it by now: an id or a name. */
  readonly image: string;
  /** Of the spec it was made from: a changed one means restart. */
  readonly hash: string;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly env: readonly string[];
  readonly workingDir: string | undefined;
  readonly mounts: readonly Mount[];
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly namespaces: NamespaceOptions;
  readonly resources: ContainerResources;
  readonly security: ContainerSecurity;
}

export type ContainerRunState = 'created' | 'running' | 'exited';

/** One container as the runtime knows it, alive or dead. */
export interface ContainerRecord {
  readonly id: string;
  readonly pod: PodIdentity;
  readonly name: string;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly hash: string;
  readonly state: ContainerRunState;
  /** Name as in the pod's spec or as the engine knows it. */
  readonly image: string;
  readonly imageId: string;
  readonly tty: boolean;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly finishedAtMs?: number;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /** Why it could not start, in the engine's words. */
  readonly error?: string;
}

export interface PodListing {
  readonly sandboxes: readonly PodSandbox[];
  readonly containers: readonly ContainerRecord[];
}

export interface StateEntry {
  readonly id: string;
  readonly podUid: string;
  readonly isRunning: boolean;
}

export interface RuntimeEvent {
  readonly type: 'started' | 'died' | 'oom' | 'removed';
  readonly podUid: string;
  readonly id: string;
}

export interface ExecResult {
  readonly exitCode: number;
  /** stdout and stderr, as they came, cut at some limit. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** The wires of an interactive session (`RemoteCommandSession` has them all). */
export interface StreamIo {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  readonly signal: AbortSignal;
  onResize(handler: (size: TerminalSize) => void): void;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** undefined: all lines. */
  readonly tailLines: number | undefined;
  readonly sinceMs: number | undefined;
  readonly tty: boolean;
}

export interface LogSinks {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface ImageInfo {
  readonly id: string;
  readonly names: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** USER of the image: empty is root. Only from `imageStatus`. */
  readonly user?: string;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
  readonly server: string;
}

export interface ContainerStats {
  readonly atMs: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  readonly workingSetBytes: number;
}
