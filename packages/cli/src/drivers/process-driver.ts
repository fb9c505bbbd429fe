import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { MemberPlan } from '../core/plan.ts';
import { kubelabCommand } from '../self.ts';
import type { KeptProcess, KeptState } from '../supervisor/keeper.ts';
import { endLeftovers } from '../supervisor/leftovers.ts';
import { askSupervisor, type SupervisorReply, type SupervisorRequest } from '../supervisor/protocol.ts';
import type { Driver, DriverLab, MemberState, MemberStatus } from './driver.ts';

const SUPERVISOR_START_MS = 10_000;

const STATES: Readonly<Record<KeptState, MemberState>> = {
  running: 'running',
  paused: 'paused',
  waiting: 'restarting',
  down: 'down',
};

type Reply = Extract<SupervisorReply, { ok: true }>;

/** What `netns` and `hollow` share: members are children of the lab's supervisor. */
export abstract class ProcessDriver implements Driver {
  abstract readonly name: Driver['name'];
  abstract prepare(lab: DriverLab, tell: (line: string) => void): Promise<void>;
  abstract dockerCommand(
    lab: DriverLab,
    node: MemberPlan,
    args: readonly string[],
  ): Promise<readonly string[]>;
  abstract resolves(lab: DriverLab, node: MemberPlan, name: string): Promise<boolean>;
  abstract destroy(lab: DriverLab, options: { readonly images: boolean }): Promise<void>;

  async start(lab: DriverLab, members: readonly MemberPlan[]): Promise<void> {
    await ensureSupervisor(lab);
    for (const { name } of members) await ask(lab, { op: 'start', member: name });
  }

  stop(lab: DriverLab, { name }: MemberPlan): Promise<void> {
    return ask(lab, { op: 'stop', member: name });
  }
  kill(lab: DriverLab, { name }: MemberPlan): Promise<void> {
    return ask(lab, { op: 'kill', member: name });
  }
  pause(lab: DriverLab, { name }: MemberPlan): Promise<void> {
    return ask(lab, { op: 'pause', member: name });
  }
  resume(lab: DriverLab, { name }: MemberPlan): Promise<void> {
    return ask(lab, { op: 'resume', member: name });
  }

  async status(lab: DriverLab): Promise<ReadonlyMap<string, MemberStatus>> {
    const reply = await askSupervisor(lab.folder.socket, { op: 'status' });
    const processes = reply?.ok === true ? reply.processes : [];
    return new Map(
      processes.map((process: KeptProcess) => [
        process.name,
        { state: STATES[process.state], pid: process.pid },
      ]),
    );
  }

  async stopAll(lab: DriverLab): Promise<void> {
    const reply = await askSupervisor(lab.folder.socket, { op: 'shutdown' });
    if (reply === undefined) {
      await endLeftovers(lab.folder.path);
      return;
    }
    while ((await askSupervisor(lab.folder.socket, { op: 'status' })) !== undefined) await delay(20);
  }

  /** Members whose supervisor died hold their ports, and nobody would start them again. */
  async clearLeftovers(lab: DriverLab): Promise<void> {
    if ((await askSupervisor(lab.folder.socket, { op: 'status' })) === undefined)
      await endLeftovers(lab.folder.path);
  }

  logCommand(lab: DriverLab, { name }: MemberPlan, follow: boolean): Promise<readonly string[]> {
    const words = ['tail', '-n', follow ? '100' : '+1', ...(follow ? ['-F'] : []), lab.folder.log(name)];
    return Promise.resolve(words);
  }
}

async function ask(lab: DriverLab, request: SupervisorRequest): Promise<void> {
  const reply = await askSupervisor(lab.folder.socket, request);
  if (reply === undefined) {
    throw new Error(
      `the supervisor of lab "${lab.plan.name}" does not run: "kubelab start --name ${lab.plan.name}" starts it again`,
    );
  }
  if (!reply.ok) throw new Error(reply.error);
}

/** Starts the lab's supervisor, detached from this terminal, unless it runs. */
async function ensureSupervisor({ folder, plan }: DriverLab): Promise<Reply> {
  const running = await askSupervisor(folder.socket, { op: 'status' });
  if (running?.ok === true) return running;
  const { command, args } = kubelabCommand(['supervisor', `--name=${plan.name}`]);
  const log = openSync(folder.log('supervisor'), 'a', 0o600);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  const untilMs = performance.now() + SUPERVISOR_START_MS;
  while (performance.now() < untilMs && child.exitCode === null) {
    await delay(20);
    const reply = await askSupervisor(folder.socket, { op: 'status' });
    if (reply?.ok === true) return reply;
  }
  throw new Error(`the lab's supervisor did not start: see ${folder.log('supervisor')}`);
}
