import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';

const running = new Set<ChildProcess>();

// Whatever the reason: when the bench ends, nothing that it started goes on.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** `spawn`, but the process does not outlive this one. */
export function spawnChild(command: string, words: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(command, words, options);
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}
