import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage, type Logger } from '@kubelab/component-base';
import type { NodeFlags } from './children.ts';

const run = promisify(execFile);

/** Kernel settings of the node's own network namespace; a missing file means a kernel without that part. */
const SYSCTLS = [
  ['net/ipv4/ip_forward', '1'],
  ['net/bridge/bridge-nf-call-iptables', '1'],
  // NodePorts answer on 127.0.0.1 too.
  ['net/ipv4/conf/all/route_localnet', '1'],
] as const;

/** Makes the surroundings of a node fit for its engine; each step is harmless when done already. */
export async function prepareNode(flags: NodeFlags, log: Logger): Promise<void> {
  await mkdir(join(flags['data-dir'], 'docker'), { recursive: true });
  await mkdir(join(flags['data-dir'], 'kubelet'), { recursive: true });
  // Left by an engine that was killed: it would refuse to start.
  for (const stale of ['/run/docker', '/run/docker.pid', '/run/docker.sock'])
    await rm(stale, { recursive: true, force: true });
  for (const [path, value] of SYSCTLS) {
    await writeFile(`/proc/sys/${path}`, value).catch((error: unknown) => {
      log.debug('kernel setting left as it is', { path, err: errorMessage(error) });
    });
  }
  await remountCgroups(log);
}

/** In a container the cgroup mounts are read-only; a bind remount makes them writable without the privileged flag. */
async function remountCgroups(log: Logger): Promise<void> {
  const root = '/sys/fs/cgroup';
  const folders = await readdir(root, { withFileTypes: true });
  const v1 = folders.filter((entry) => entry.isDirectory()).map((entry) => join(root, entry.name));
  const isUnified = folders.some((entry) => entry.name === 'cgroup.controllers');
  for (const path of ['/sys', ...(isUnified ? [root] : v1)]) {
    await run('mount', ['-o', 'remount,bind,rw', path]).catch((error: unknown) => {
      log.debug('mount left as it is', { path, err: errorMessage(error) });
    });
  }
  if (isUnified) await delegateUnified(root, log);
}

/** cgroup v2: processes may only live in leaves, so ours move into one before controllers are handed down. */
async function delegateUnified(root: string, log: Logger): Promise<void> {
  try {
    const { readFile } = await import('node:fs/promises');
    const controllers = (await readFile(join(root, 'cgroup.controllers'), 'utf8')).trim().split(/\s+/);
    const pids = (await readFile(join(root, 'cgroup.procs'), 'utf8')).trim().split('\n');
    await mkdir(join(root, 'init'), { recursive: true });
    for (const pid of pids) await writeFile(join(root, 'init', 'cgroup.procs'), pid).catch(() => undefined);
    await writeFile(join(root, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
  } catch (error) {
    log.warn('cgroups could not be delegated', { err: errorMessage(error) });
  }
}
