import { readdirSync, readFileSync } from 'node:fs';
import { execute } from './lab.ts';

/** Whatever of a lab can be found on this machine: processes, namespaces, interfaces, rules, cgroups, mounts. */
export async function labTraces(name: string): Promise<string[]> {
  const traces: string[] = [];
  const find = async (what: string, command: string, args: readonly string[], pattern: RegExp) => {
    const { stdout } = await execute(command, args).catch(() => ({ stdout: '' }));
    for (const line of stdout.split('\n')) if (pattern.test(line)) traces.push(`${what}: ${line.trim()}`);
  };
  const mark = new RegExp(`kubelab[-_]${name}\\b`);
  await find('namespace', 'ip', ['netns', 'list'], mark);
  await find('rule', 'nft', ['list', 'tables'], mark);
  await find('rule', 'iptables', ['-S'], mark);
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const words = commandOf(pid);
    if (words.includes(`/${name}/members/`) || words.includes(`--name=${name}`))
      traces.push(`process ${pid}: ${words.slice(0, 400)}`);
  }
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n'))
    if (mark.test(line)) traces.push(`mount: ${line}`);
  for (const controller of readdirSync('/sys/fs/cgroup')) {
    const groups = readFolder(`/sys/fs/cgroup/${controller}`);
    if (groups.includes(`kubelab-${name}`) || controller === `kubelab-${name}`)
      traces.push(`cgroup: ${controller}`);
  }
  return traces;
}

/** The words of a process; empty when it has just ended. */
export function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has just ended.
    return '';
  }
}

function readFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // A file, not a folder.
    return [];
  }
}
