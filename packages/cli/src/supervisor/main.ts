import { rm } from 'node:fs/promises';
import { runComponent } from '@kubelab/component-base';
import { findMember } from '../core/plan.ts';
import { LabFolder, type LabState } from '../lab/folder.ts';
import { processSpec } from '../drivers/process-spec.ts';
import { Keeper, type Spawn } from './keeper.ts';
import { endLeftovers, recordPids } from './leftovers.ts';
import { serveSupervisor, type SupervisorReply, type SupervisorRequest } from './protocol.ts';
import { spawnProcess } from './spawn.ts';

const flags = { name: { type: 'string', required: true, description: 'name of the lab' } } as const;

/** One per lab of the `netns` and `hollow` drivers: its members are its children. */
export function main(argv: readonly string[]): Promise<void> {
  return runComponent(
    {
      name: 'supervisor',
      summary:
        "Keeps a lab's members running and answers the kubelab command on a socket in the lab's folder.",
      flags,
      async start({ flags, log, clock, onStop }) {
        const folder = new LabFolder(flags.name);
        // 1. Members of a supervisor that died: they would hold the ports.
        await endLeftovers(folder.path, log);
        // Written one after the other, at every start of a process.
        let recording = Promise.resolve();
        const record = () => (recording = recording.then(() => recordPids(folder.path, keeper.list())));
        const spawn: Spawn = (name, spec) => {
          clock.setTimer(0, () => void record());
          return spawnProcess(name, spec);
        };
        const keeper = new Keeper(spawn, clock, log);
        // 2. Whatever was not put down by request runs.
        const state = await readState(folder);
        for (const member of state.plan.members) {
          if (!state.down.includes(member.name))
            keeper.start(member.name, processSpec({ folder, plan: state.plan }, member));
        }
        const stopAll = () =>
          keeper.stopAll((name) => findMember(state.plan, name)?.kind ?? name.replace(/-\d+$/, ''));
        onStop(stopAll);
        // 3. The command line asks through the socket.
        await rm(folder.socket, { force: true });
        const server = await serveSupervisor(folder.socket, handle);
        onStop(() => void server.close());
        log.info('supervising', { members: state.plan.members.length });

        async function handle(request: SupervisorRequest): Promise<SupervisorReply> {
          await carryOut(request);
          return { ok: true, pid: process.pid, processes: keeper.list() };
        }

        async function carryOut(request: SupervisorRequest): Promise<void> {
          switch (request.op) {
            case 'status':
              return;
            case 'start': {
              const { plan } = await readState(folder);
              const member = findMember(plan, request.member);
              if (member === undefined) throw new Error(`no member "${request.member}"`);
              keeper.start(member.name, processSpec({ folder, plan }, member));
              return;
            }
            case 'stop':
              return keeper.stop(request.member);
            case 'kill':
              return keeper.kill(request.member);
            case 'pause':
              return keeper.pause(request.member);
            case 'resume':
              return keeper.resume(request.member);
            case 'shutdown':
              await stopAll();
              // The answer goes out first.
              clock.setTimer(50, () => process.kill(process.pid, 'SIGTERM'));
          }
        }
      },
    },
    argv,
  );
}

async function readState(folder: LabFolder): Promise<LabState> {
  const state = await folder.read();
  if (state === undefined) throw new Error(`no lab "${folder.name}"`);
  return state;
}

if (import.meta.main) await main(process.argv.slice(2));
