import { spawn as spawnChild } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setFrozen } from './cgroups.ts';
import type { ProcessSpec, RunningProcess } from './keeper.ts';

/**
 * A real process, by default in a process group of its own so that it is signalled as a whole. When the command cannot be started
 * at all, that is its end: `ended` says why.
 */
export function spawnProcess(_name: string, spec: ProcessSpec): RunningProcess {
  const log = spec.logFile === undefined ? undefined : openSync(spec.logFile, 'a', 0o600);
  const child = spawnChild(spec.command, spec.args, {
    detached: spec.sharesGroup !== true,
    stdio: ['ignore', log ?? 'inherit', log ?? 'inherit'],
    env: { ...process.env, ...spec.env },
  });
  if (log !== undefined) closeSync(log);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  const { pid } = child;
  const target = pid === undefined || spec.sharesGroup === true ? pid : -pid;
  const send = (signal: NodeJS.Signals) => sendSignal(target, signal);
  const { cgroup } = spec;
  return {
    pid: pid ?? 0,
    ended,
    signal(signal) {
      // A frozen process does not even die.
      if (signal === 'SIGKILL' && cgroup !== undefined) setFrozen(cgroup, false);
      send(signal);
    },
    pause: () => (cgroup === undefined ? send('SIGSTOP') : setFrozen(cgroup, true)),
    resume: () => (cgroup === undefined ? send('SIGCONT') : setFrozen(cgroup, false)),
  };
}

function sendSignal(target: number | undefined, signal: NodeJS.Signals): void {
  if (target === undefined) return;
  try {
    process.kill(target, signal);
  } catch (error) {
    // ESRCH: it has ended meanwhile, which is what a signal would have been for.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
