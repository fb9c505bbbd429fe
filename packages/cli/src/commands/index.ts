import { COMPONENTS } from '../self.ts';
import type { Command } from './command.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command, in the order of `kubelab help`; loaded when it is called. */
export const COMMANDS: Readonly<Record<string, Entry>> = {
  up: {
    summary: 'bring a lab up, or add what is missing of it',
    load: async () => (await import('./up.ts')).up,
  },
  down: {
    summary: 'end a lab and remove every trace of it',
    load: async () => (await import('./down.ts')).down,
  },
  start: {
    summary: 'start a member, or everything that was stopped',
    load: async () => (await import('./start-stop.ts')).start,
  },
  stop: { summary: 'stop a member, or everything', load: async () => (await import('./start-stop.ts')).stop },
  kill: {
    summary: 'end a member at once, as a crash would',
    load: async () => (await import('./member-ops.ts')).kill,
  },
  pause: { summary: 'freeze a member', load: async () => (await import('./member-ops.ts')).pause },
  resume: {
    summary: 'let a frozen member go on',
    load: async () => (await import('./member-ops.ts')).resume,
  },
  status: {
    summary: 'members, leaders, nodes and the pods on them',
    load: async () => (await import('./status.ts')).status,
  },
  load: {
    summary: 'make an image (or a tar of one) known to all nodes',
    load: async () => (await import('./load.ts')).load,
  },
  logs: { summary: "show a member's log", load: async () => (await import('./logs.ts')).logs },
  docker: {
    summary: "run docker against a node's own engine",
    load: async () => (await import('./docker.ts')).docker,
  },
  kubeconfig: {
    summary: "print the path of the lab's kubeconfig",
    load: async () => (await import('./env.ts')).kubeconfig,
  },
  env: {
    summary: 'print what kubectl and etcdctl need, for eval',
    load: async () => (await import('./env.ts')).env,
  },
};

export function usage(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return [
    'kubelab: a Kubernetes you can see through',
    '',
    'Usage: kubelab <command> [flags]',
    '',
    'Commands:',
    ...rows,
    '',
    "The lab's processes, each with upstream's flags:",
    `  ${COMPONENTS.join(', ')}`,
    '',
    '"kubelab <command> --help" tells more.',
    '',
  ].join('\n');
}
