import { mkdir, open, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { VolumeError } from './volume-error.ts';

/** Sockets and folders of engines, wherever they usually are: whoever holds one holds the node. */
const ENGINE_PATHS = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/docker',
  '/run/containerd',
  '/var/lib/docker',
  '/var/lib/containerd',
];

/**
 * Paths that no pod may mount: engine sockets and kubelab's own folders.
 * Invariants
 *   HOSTPATH-1  what is mounted is the real path, and it is neither inside a protected path nor above one
 */
export interface HostPathGuard {
  /** The real path to mount; throws when it is refused. */
  resolve(path: string): Promise<string>;
}

export function hostPathGuard(ownPaths: readonly string[]): HostPathGuard {
  return {
    async resolve(path) {
      const real = await realPathOfExisting(path);
      for (const guarded of [...ENGINE_PATHS, ...ownPaths]) {
        const realGuarded = await realPathOfExisting(guarded);
        for (const candidate of [resolve(path), real]) {
          if (contains(realGuarded, candidate) || contains(candidate, realGuarded)) {
            throw new VolumeError(`hostPath ${path} is refused: ${guarded} belongs to the node itself`);
          }
        }
      }
      return real;
    },
  };
}

/** `inner` is `outer` or lies below it. */
export function contains(outer: string, inner: string): boolean {
  const path = relative(outer, inner);
  return path === '' || !(path === '..' || path.startsWith('../') || isAbsolute(path));
}

/** With every symlink followed, as far as the path exists. */
async function realPathOfExisting(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return await realpath(full);
  } catch {
    const parent = dirname(full);
    return parent === full ? full : join(await realPathOfExisting(parent), relative(parent, full));
  }
}

type Kind = 'Directory' | 'File' | 'Socket' | 'CharDevice' | 'BlockDevice';

/** Checks or makes what the volume's type asks for. Upstream: `volume/hostpath`. */
export async function setUpHostPath(
  { path, type = '' }: { readonly path: string; readonly type?: string | undefined },
  guard: HostPathGuard,
): Promise<string> {
  const real = await guard.resolve(path);
  if (type === '') {
    if ((await kindOf(real)) === undefined) await mkdir(real, { recursive: true, mode: 0o755 });
    return real;
  }
  if (type === 'DirectoryOrCreate') await mkdir(real, { recursive: true, mode: 0o755 });
  if (type === 'FileOrCreate' && (await kindOf(real)) === undefined)
    await (await open(real, 'a', 0o644)).close();
  const wanted = type.replace(/OrCreate$/, '');
  const found = await kindOf(real);
  if (found !== wanted)
    throw new VolumeError(`hostPath type check failed: ${path} is not a ${WORDS[wanted] ?? wanted}`);
  return real;
}

const WORDS: Readonly<Record<string, string>> = {
  Directory: 'directory',
  File: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};

async function kindOf(path: string): Promise<Kind | undefined> {
  try {
    const info = await stat(path);
    if (info.isDirectory()) return 'Directory';
    if (info.isSocket()) return 'Socket';
    if (info.isCharacterDevice()) return 'CharDevice';
    return info.isBlockDevice() ? 'BlockDevice' : 'File';
  } catch {
    return undefined; // not there
  }
}
