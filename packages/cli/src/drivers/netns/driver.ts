import { Resolver } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import { type LabPlan, type MemberPlan, membersOf } from '../../core/plan.ts';
import { removeCgroup } from '../../supervisor/cgroups.ts';
import { askSupervisor } from '../../supervisor/protocol.ts';
import type { DriverLab, Probe } from '../driver.ts';
import { ProcessDriver } from '../process-driver.ts';
import { CommandError, run, tryRun } from '../run.ts';
import {
  forwardRules,
  hostRules,
  namespacesOf,
  networkNames,
  nodeCommands,
  nodeNamespace,
  uplinkCommands,
} from './network.ts';
import { nodeCgroup } from './node-spec.ts';

/** Nodes in Linux namespaces, each with an engine of its own; the other members are processes of this machine. */
export class NetnsDriver extends ProcessDriver {
  readonly name = 'netns';

  async prepare(lab: DriverLab): Promise<void> {
    const { plan } = lab;
    await requireOwnUplink(plan);
    await ensureAll(uplinkCommands(plan));
    await Promise.all(membersOf(plan, 'node').map((node) => ensureAll(nodeCommands(plan, node))));
    await run(['nft', '-f', '-'], hostRules(plan));
    if ((await tryRun(['iptables', '-S', 'FORWARD'])) === undefined) return;
    for (const rule of forwardRules(plan)) {
      if ((await tryRun(['iptables', '-C', ...rule])) === undefined) await run(['iptables', '-I', ...rule]);
    }
  }

  async dockerCommand(lab: DriverLab, node: MemberPlan, args: readonly string[]): Promise<readonly string[]> {
    const reply = await askSupervisor(lab.folder.socket, { op: 'status' });
    const pid = reply?.ok === true ? reply.processes.find(({ name }) => name === node.name)?.pid : undefined;
    if (pid === undefined) throw new Error(`${node.name} does not run`);
    // /run and not /var/run: that link would lead to the host's own engine.
    return ['docker', '-H', `unix:///proc/${await firstProcess(pid)}/root/run/docker.sock`, ...args];
  }

  async resolves(_lab: DriverLab, node: MemberPlan, name: string): Promise<boolean> {
    const resolver = new Resolver({ timeout: 500, tries: 1 });
    resolver.setServers([node.address ?? '']);
    try {
      return (await resolver.resolve4(name)).length > 0;
    } catch {
      // Not there yet, or does not know the name yet.
      return false;
    }
  }

  async destroy(lab: DriverLab): Promise<void> {
    const { plan } = lab;
    await this.stopAll(lab);
    for (const node of membersOf(plan, 'node')) {
      await endStrays(nodeNamespace(plan, node));
      removeCgroup(nodeCgroup(lab, node));
    }
    removeCgroup(`kubelab-${plan.name}`);
    // By its end in our own namespace: the other end's name may belong to another lab by now.
    await tryRun(['ip', '-n', networkNames(plan).switch, 'link', 'delete', 'host']);
    for (const namespace of namespacesOf(plan)) await tryRun(['ip', 'netns', 'delete', namespace]);
    await tryRun(['nft', 'delete', 'table', 'ip', networkNames(plan).table]);
    for (const rule of forwardRules(plan)) await tryRun(['iptables', '-D', ...rule]);
  }
}

/**
 * Two labs of different homes that come up at once do not see each other's plans: the second one must not join
 * the first one's network.
 */
async function requireOwnUplink(plan: LabPlan): Promise<void> {
  const names = networkNames(plan);
  if ((await tryRun(['ip', 'link', 'show', names.uplink])) === undefined) return;
  if ((await tryRun(['ip', '-n', names.switch, 'link', 'show', 'host'])) !== undefined) return;
  throw new Error(
    `another lab has just taken ${plan.memberCidr}: "kubelab down --name ${plan.name}" and "kubelab up" choose another`,
  );
}

/** Runs each command; that a thing is there already is what was wanted. */
async function ensureAll(commands: readonly (readonly string[])[]): Promise<void> {
  for (const words of commands) {
    try {
      await run(words);
    } catch (error) {
      if (!(error instanceof CommandError) || !/File exists|already exists/.test(error.stderr)) throw error;
    }
  }
}

/** Processes that still hold the namespace although their node is gone: none in the ordinary course. */
async function endStrays(namespace: string): Promise<void> {
  const pids = await tryRun(['ip', 'netns', 'pids', namespace]);
  for (const pid of pids?.split('\n').filter(Boolean) ?? []) await tryRun(['kill', '-KILL', pid]);
}

/** The node's PID 1: the child of the `unshare` that the supervisor started. */
async function firstProcess(unsharePid: number): Promise<string> {
  const children = await readFile(`/proc/${unsharePid}/task/${unsharePid}/children`, 'utf8').catch(() => '');
  const pid = children.trim().split(' ')[0];
  if (pid === undefined || pid === '') throw new Error('the node has just ended');
  return pid;
}

const TOOLS = ['ip', 'nft', 'unshare', 'nsenter', 'dockerd', 'containerd', 'runc', 'docker'];

/** Whether this machine can run nodes in namespaces; `missing` names the tools that an install could bring. */
export async function probeNetns(): Promise<Probe & { readonly missing?: readonly string[] }> {
  if (process.platform !== 'linux') return { ok: false, why: 'network namespaces need Linux' };
  if (process.getuid?.() !== 0) return { ok: false, why: 'network namespaces need root' };
  if (!(await hasAdminCapability()))
    return { ok: false, why: 'the capability CAP_SYS_ADMIN is missing here' };
  const missing = (await Promise.all(TOOLS.map(async (tool) => ((await onPath(tool)) ? [] : [tool])))).flat();
  if (missing.length > 0) return { ok: false, why: `not installed: ${missing.join(', ')}`, missing };
  if (!existsSync('/sys/fs/cgroup')) return { ok: false, why: 'no cgroups are mounted at /sys/fs/cgroup' };
  return { ok: true };
}

const CAP_SYS_ADMIN = 21n;

async function hasAdminCapability(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}

async function onPath(tool: string): Promise<boolean> {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']) {
    try {
      await access(`${folder}/${tool}`, constants.X_OK);
      return true;
    } catch {
      // Not in this folder: look in the next.
    }
  }
  return false;
}
