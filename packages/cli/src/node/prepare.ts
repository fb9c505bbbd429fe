import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
  await makeWritable(log);
  // With a cgroup of its own below the machine's there is nothing to share out, and the root is not ours.
  if (flags['cgroup-parent'] === undefined) await delegateUnified(log);
  for (const [path, value] of SYSCTLS) {
    await writeFile(`/proc/sys/${path}`, value).catch((error: unknown) => {
      log.debug('kernel setting left as it is', { path, err: errorMessage(error) });
    });
  }
}

const CGROUPS = '/sys/fs/cgroup';

/** In a container cgroups and kernel settings are read-only; a bind remount makes them writable without the privileged flag. */
async function makeWritable(log: Logger): Promise<void> {
  const folders = await readdir(CGROUPS, { withFileTypes: true });
  const hierarchies = folders.some(({ name }) => name === 'cgroup.controllers')
    ? [CGROUPS]
    : folders.filter((entry) => entry.isDirectory()).map(({ name }) => join(CGROUPS, name));
  for (const path of ['/proc/sys', '/sys', ...hierarchies]) {
    await run('mount', ['-o', 'remount,bind,rw', path]).catch((error: unknown) => {
      log.debug('mount left as it is', { path, err: errorMessage(error) });
    });
  }
}

/** cgroup v2: processes may only live in leaves, so ours move into one before controllers are handed down. */
async function delegateUnified(log: Logger): Promise<void> {
  const available = await readFile(join(CGROUPS, 'cgroup.controllers'), 'utf8').catch(() => undefined);
  if (available === undefined) return;
  try {
    const pids = (await readFile(join(CGROUPS, 'cgroup.procs'), 'utf8')).trim().split('\n');
    await mkdir(join(CGROUPS, 'init'), { recursive: true });
    for (const pid of pids) {
      // One that has ended meanwhile is out of the way as well.
      await writeFile(join(CGROUPS, 'init', 'cgroup.procs'), pid).catch(() => undefined);
    }
    const controllers = available.trim().split(/\s+/);
    await writeFile(join(CGROUPS, 'cgroup.subtree_control'), controllers.map((name) => `+${name}`).join(' '));
  } catch (error) {
    log.warn('cgroups could not be delegated', { err: errorMessage(error) });
  }
}
