import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bytesOf, isStatus, PersistentVolume, PersistentVolumeClaim } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';
import type { ContainerSpec, PodObject, VolumeSpec } from '../core/types.ts';
import type { Mount } from '../runtime/types.ts';
import { writeAtomically } from './atomic-writer.ts';
import { contains, type HostPathGuard, setUpHostPath } from './host-path.ts';
import { type PayloadSources, volumePayload } from './payloads.ts';
import { VolumeError } from './volume-error.ts';

const run = promisify(execFile);

export interface VolumeManagerOptions {
  /** `--root-dir`: everything of a pod is below `pods/<uid>`. */
  readonly rootDir: string;
  readonly client: KubeClient;
  readonly guard: HostPathGuard;
  readonly sources: PayloadSources;
}

/** Where each volume of a pod is on the node. */
export type VolumePaths = ReadonlyMap<string, string>;

/** One volume could not be set up. */
export class SetUpError extends Error {
  readonly volume: string;
  constructor(volume: string, cause: unknown) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${errorMessage(cause)}`, { cause });
    this.name = 'SetUpError';
    this.volume = volume;
  }
}

/**
 * The pods' volumes as folders on the node. Setting up is idempotent: the same call refreshes what came from the API.
 * Invariants
 *   VOL-2  a sub-path never leads out of its volume, symlinks followed
 */
export class VolumeManager {
  readonly #options: VolumeManagerOptions;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  async setUp(pod: PodObject): Promise<VolumePaths> {
    const entries = await Promise.all(
      (pod.spec.volumes ?? []).map(async (volume) => {
        try {
          return [volume.name, await this.#setUpOne(pod, volume)] as const;
        } catch (error) {
          throw new SetUpError(volume.name, error);
        }
      }),
    );
    return new Map(entries);
  }

  async #setUpOne(pod: PodObject, volume: VolumeSpec): Promise<string> {
    const { client, guard, sources } = this.#options;
    const groupId = pod.spec.securityContext?.fsGroup;
    if (volume.hostPath !== undefined) return setUpHostPath(volume.hostPath, guard);
    if (volume.persistentVolumeClaim !== undefined) {
      return setUpHostPath(await claimedPath(client, pod, volume.persistentVolumeClaim.claimName), guard);
    }
    const payload = await volumePayload(pod, volume, sources);
    if (payload !== undefined) {
      const folder = this.#folderOf(pod, volume);
      await mkdir(folder, { recursive: true, mode: 0o755 });
      await writeAtomically(folder, payload, groupId);
      return folder;
    }
    if (volume.emptyDir === undefined) throw new VolumeError('no volume plugin matched');
    const folder = this.#folderOf(pod, volume);
    await mkdir(folder, { recursive: true });
    if (volume.emptyDir.medium === 'Memory') await mountMemory(folder, volume.emptyDir.sizeLimit);
    if (groupId !== undefined) await chown(folder, 0, groupId);
    // Any user of the pod may write; with a group of its own new files keep that group.
    await chmod(folder, groupId === undefined ? 0o777 : 0o2777);
    return folder;
  }

  #folderOf(pod: PodObject, volume: VolumeSpec): string {
    return join(this.podFolder(pod.metadata.uid), 'volumes', pluginOf(volume), volume.name);
  }

  podFolder(uid: string): string {
    return join(this.#options.rootDir, 'pods', uid);
  }

  /** A container's mounts: its volumes, and the file for its last words. */
  async mounts(
    pod: PodObject,
    container: ContainerSpec,
    paths: VolumePaths,
    expandPath: (text: string) => string,
  ): Promise<Mount[]> {
    const mounts: Mount[] = [];
    for (const mount of container.volumeMounts ?? []) {
      const base = paths.get(mount.name);
      if (base === undefined) throw new VolumeError(`volumeMount "${mount.name}" names no volume of the pod`);
      const subPath = mount.subPathExpr === undefined ? mount.subPath : expandPath(mount.subPathExpr);
      mounts.push({
        hostPath: await subPathIn(base, subPath ?? ''),
        containerPath: mount.mountPath,
        readOnly: mount.readOnly ?? isAlwaysReadOnly(pod, mount.name),
        propagation: PROPAGATION[mount.mountPropagation ?? 'None'] ?? 'private',
      });
    }
    return mounts;
  }

  /** An empty file that the container may leave a message in. */
  async terminationLog(pod: PodObject, container: ContainerSpec, attempt: number): Promise<Mount> {
    const hostPath = this.#terminationLogPath(pod.metadata.uid, container.name, attempt);
    await mkdir(join(hostPath, '..'), { recursive: true });
    await writeFile(hostPath, '');
    await chmod(hostPath, 0o666); // the container may run as any user
    return {
      hostPath,
      containerPath: container.terminationMessagePath ?? '/dev/termination-log',
      readOnly: false,
      propagation: 'private',
    };
  }

  /** At most 4 KiB of it, as upstream. */
  async terminationMessage(uid: string, container: string, attempt: number): Promise<string> {
    const text = await readFile(this.#terminationLogPath(uid, container, attempt)).catch(() => undefined);
    return text?.subarray(0, 4096).toString('utf8') ?? '';
  }

  #terminationLogPath(uid: string, container: string, attempt: number): string {
    return join(this.podFolder(uid), 'containers', container, String(attempt), 'termination-log');
  }

  /** Uids of all pods that have a folder here. */
  podUids(): Promise<string[]> {
    return readdir(join(this.#options.rootDir, 'pods')).catch(() => []);
  }

  /** Everything of the pod on disk; a hostPath is left as it is, since only the pod's own folder goes. */
  async tearDown(uid: string): Promise<void> {
    const folder = this.podFolder(uid);
    const memory = join(folder, 'volumes', MEMORY_PLUGIN);
    for (const name of await readdir(memory).catch(() => [])) {
      await run('umount', [join(memory, name)]).catch(() => undefined); // not mounted (any more)
    }
    await rm(folder, { recursive: true, force: true });
  }
}

const MEMORY_PLUGIN = 'kubernetes.io~empty-dir-memory';
const PROPAGATION: Readonly<Record<string, Mount['propagation']>> = {
  None: 'private',
  HostToContainer: 'rslave',
  Bidirectional: 'rshared',
};

function pluginOf(volume: VolumeSpec): string {
  if (volume.configMap !== undefined) return 'kubernetes.io~configmap';
  if (volume.secret !== undefined) return 'kubernetes.io~secret';
  if (volume.downwardAPI !== undefined) return 'kubernetes.io~downward-api';
  if (volume.projected !== undefined) return 'kubernetes.io~projected';
  return volume.emptyDir?.medium === 'Memory' ? MEMORY_PLUGIN : 'kubernetes.io~empty-dir';
}

function isAlwaysReadOnly(pod: PodObject, name: string): boolean {
  const volume = pod.spec.volumes?.find((candidate) => candidate.name === name);
  return (
    volume !== undefined &&
    volume.emptyDir === undefined &&
    volume.hostPath === undefined &&
    volume.persistentVolumeClaim === undefined
  );
}

async function mountMemory(folder: string, sizeLimit: string | number | undefined): Promise<void> {
  const mounts = await readFile('/proc/self/mounts', 'utf8');
  if (mounts.includes(` ${folder} tmpfs `)) return;
  const size = sizeLimit === undefined ? [] : ['-o', `size=${bytesOf(sizeLimit)}`];
  await run('mount', ['-t', 'tmpfs', ...size, 'tmpfs', folder]);
}

/** VOL-2 */
async function subPathIn(volume: string, subPath: string): Promise<string> {
  if (subPath === '') return volume;
  if (subPath.startsWith('/') || subPath.split('/').includes('..')) {
    throw new VolumeError(`subPath "${subPath}" must stay within its volume`);
  }
  const path = join(volume, subPath);
  const root = await realpath(volume);
  // What is there already is followed first: nothing may be made through a symlink that leads out.
  let existing = path;
  let real = await realpath(existing).catch(() => undefined);
  while (real === undefined) {
    existing = join(existing, '..');
    real = await realpath(existing).catch(() => undefined);
  }
  if (!contains(root, real)) throw new VolumeError(`subPath "${subPath}" must stay within its volume`);
  if (existing === path) return real;
  await mkdir(path, { recursive: true, mode: 0o777 });
  return path;
}

/** The path of a claim's volume; only volumes that are a path of the node are known here. */
async function claimedPath(
  client: KubeClient,
  pod: PodObject,
  name: string,
): Promise<{ path: string; type?: string }> {
  try {
    const claim = await client.get(PersistentVolumeClaim, { namespace: pod.metadata.namespace, name });
    const volumeName = claim.spec?.volumeName;
    if (volumeName === undefined || claim.status?.phase !== 'Bound') {
      throw new VolumeError(`persistentvolumeclaim "${name}" is not bound`);
    }
    const { spec } = await client.get(PersistentVolume, { name: volumeName });
    if (spec.local !== undefined) return { path: spec.local.path, type: 'Directory' };
    if (spec.hostPath !== undefined) return { path: spec.hostPath.path, type: 'DirectoryOrCreate' };
    throw new VolumeError(`persistentvolume "${volumeName}" is of a kind that this node cannot mount`);
  } catch (error) {
    if (isStatus(error, 'NotFound')) throw new VolumeError(`persistentvolumeclaim "${name}" not found`);
    throw error;
  }
}
