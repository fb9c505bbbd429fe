import type { Clock } from '@kubelab/component-base';
import { must } from '@kubelab/component-base';
import { LABEL } from '../../core/names.ts';
import {
  type ContainerConfig,
  type ContainerRecord,
  type ContainerStats,
  type ImageInfo,
  type PodListing,
  type PodSandbox,
  type PodSandboxConfig,
  type RegistryCredentials,
  type Runtime,
  RuntimeError,
  type RuntimeEvent,
  type RuntimeVersion,
  type StateEntry,
} from '../types.ts';
import { cgroupStats } from './cgroup-stats.ts';
import { containerOptions, sandboxOptions } from './create-options.ts';
import { call, callUnlessDone, connectEngine, type Engine, httpCodeOf } from './engine.ts';
import { watchEvents } from './events.ts';
import { ensurePauseImage } from './pause-image.ts';
import { containerRecord, imageInfo, isSandbox, podOf, sandboxRecord } from './records.ts';
import { attach, exec, execSync, logs } from './streams.ts';

export interface DockerRuntimeOptions {
  /** `unix:///run/docker.sock`. */
  readonly endpoint: string;
  /** Marks what is ours on an engine that others may use too. */
  readonly nodeName: string;
  readonly clock: Clock;
}

const HTTP_CONFLICT = 409;
/** How long `stop` of a pause container waits: it ends at once. */
const PAUSE_STOP_SECONDS = 2;

/** Containers by a Docker engine: a pod is a pause container whose namespaces the others join. */
export async function dockerRuntime(options: DockerRuntimeOptions): Promise<Runtime> {
  const { nodeName, clock } = options;
  const engine = await connectEngine(options.endpoint);
  const ours = `${LABEL.node}=${nodeName}`;
  let pauseImage: Promise<string> | undefined;

  return {
    scheme: 'docker',
    isHollow: false,
    version: () => version(engine),

    async runPodSandbox(config: PodSandboxConfig): Promise<PodSandbox> {
      pauseImage ??= ensurePauseImage(engine).catch((error: unknown) => {
        pauseImage = undefined; // the next pod tries again
        throw error;
      });
      const id = await createFresh(engine, sandboxOptions(config, await pauseImage, nodeName));
      const container = engine.getContainer(id);
      await call(container.start());
      return sandboxRecord(await call(container.inspect()));
    },
    stopPodSandbox: (id) => callUnlessDone(engine.getContainer(id).stop({ t: PAUSE_STOP_SECONDS })),
    removePodSandbox: (id) => callUnlessDone(engine.getContainer(id).remove({ force: true, v: true })),

    createContainer: (sandboxId: string, config: ContainerConfig) =>
      createFresh(engine, containerOptions(sandboxId, config, nodeName)),
    startContainer: (id) => call(engine.getContainer(id).start()),
    stopContainer: (id, gracePeriodSeconds) =>
      gracePeriodSeconds <= 0
        ? callUnlessDone(engine.getContainer(id).kill())
        : callUnlessDone(engine.getContainer(id).stop({ t: gracePeriodSeconds })),
    removeContainer: (id) => callUnlessDone(engine.getContainer(id).remove({ force: true, v: true })),
    containerStatus: async (id) => containerRecord(await call(engine.getContainer(id).inspect())),

    listPods: (podUid) =>
      listPods(engine, podUid === undefined ? [ours] : [ours, `${LABEL.podUid}=${podUid}`]),
    async listStates(): Promise<readonly StateEntry[]> {
      const found = await call(engine.listContainers({ all: true, filters: { label: [ours] } }));
      return found.map(({ Id, Labels, State }) => ({
        id: Id,
        podUid: podOf(Labels).uid,
        isRunning: State === 'running',
      }));
    },
    subscribe: (onEvent: (event: RuntimeEvent) => void, signal: AbortSignal) =>
      watchEvents(engine, ours, onEvent, signal),

    execSync: (id, command, timeoutMs) => execSync(engine, id, command, timeoutMs),
    exec: (id, command, tty, io) => exec(engine, id, command, tty, io),
    attach: (id, io) => attach(engine, id, io),
    logs: (id, logOptions, out, signal) => logs(engine, id, logOptions, out, signal),

    imageStatus: (image) => imageStatus(engine, image),
    pullImage: (image, credentials) => pullImage(engine, image, credentials),
    async loadImage(tar) {
      const progress = await call(engine.loadImage(tar, { quiet: true }));
      await call(followProgress(engine, progress));
    },
    async listImages(): Promise<readonly ImageInfo[]> {
      const found = await call(engine.listImages());
      return found.map(({ Id, RepoTags, RepoDigests, Size }) => ({
        id: Id,
        names: (RepoTags ?? []).filter((name) => name !== '<none>:<none>'),
        digests: RepoDigests ?? [],
        sizeBytes: Size,
      }));
    },
    removeImage: (image) => callUnlessDone(engine.getImage(image).remove()),

    async containerStats(id): Promise<ContainerStats | undefined> {
      const { State } = await call(engine.getContainer(id).inspect());
      return State.Pid === 0 ? undefined : cgroupStats(State.Pid, clock.now());
    },
    close: () => undefined,
  };
}

async function version(engine: Engine): Promise<RuntimeVersion> {
  const { Version, Os, Arch } = await call(engine.version());
  return { runtime: `docker://${Version}`, os: Os, arch: Arch };
}

/** Creates; a container of the same name can only be a left-over of an earlier try, and makes room. */
async function createFresh(
  engine: Engine,
  options: Parameters<Engine['createContainer']>[0],
): Promise<string> {
  try {
    return (await engine.createContainer(options)).id;
  } catch (error) {
    if (httpCodeOf(error) !== HTTP_CONFLICT) return call(Promise.reject(error));
    await callUnlessDone(engine.getContainer(must(options.name)).remove({ force: true, v: true }));
    return (await call(engine.createContainer(options))).id;
  }
}

async function listPods(engine: Engine, labels: string[]): Promise<PodListing> {
  const found = await call(engine.listContainers({ all: true, filters: { label: labels } }));
  const sandboxes: PodSandbox[] = [];
  const containers: ContainerRecord[] = [];
  await Promise.all(
    found.map(async ({ Id, Labels }) => {
      try {
        const info = await call(engine.getContainer(Id).inspect());
        if (isSandbox(Labels)) sandboxes.push(sandboxRecord(info));
        else containers.push(containerRecord(info));
      } catch (error) {
        // Removed between the list and the look: it is not there.
        if (!(error instanceof RuntimeError) || error.reason !== 'not-found') throw error;
      }
    }),
  );
  const newestFirst = (a: { attempt: number }, b: { attempt: number }) => b.attempt - a.attempt;
  return { sandboxes: sandboxes.sort(newestFirst), containers: containers.sort(newestFirst) };
}

async function imageStatus(engine: Engine, image: string): Promise<ImageInfo | undefined> {
  try {
    return imageInfo(await call(engine.getImage(image).inspect()));
  } catch (error) {
    if (error instanceof RuntimeError && error.reason === 'not-found') return undefined;
    throw error;
  }
}

async function pullImage(
  engine: Engine,
  image: string,
  credentials: RegistryCredentials | undefined,
): Promise<void> {
  const authconfig =
    credentials === undefined
      ? undefined
      : {
          username: credentials.username,
          password: credentials.password,
          serveraddress: credentials.server,
        };
  const progress = await call(engine.pull(image, authconfig === undefined ? {} : { authconfig }));
  await call(followProgress(engine, progress));
}

/** Reads the engine's progress lines to their end; the last one may be an error. */
function followProgress(engine: Engine, progress: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    const { modem } = engine as {
      modem: { followProgress(stream: NodeJS.ReadableStream, done: (error: Error | null) => void): void };
    };
    modem.followProgress(progress, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(new RuntimeError('refused', error.message));
    });
  });
}
