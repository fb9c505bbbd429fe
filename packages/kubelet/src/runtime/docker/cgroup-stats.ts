import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerStats } from '../types.ts';

const CGROUP_ROOT = '/sys/fs/cgroup';

/** CPU and memory of a process's cgroup, read from the kernel: the engine would take a second for each. */
export async function cgroupStats(pid: number, nowMs: number): Promise<ContainerStats | undefined> {
  const membership = await read(`/proc/${pid}/cgroup`);
  if (membership === undefined) return undefined;
  const paths = controllerPaths(membership);
  const unified = paths.get('');
  if (unified !== undefined && !paths.has('memory')) return statsV2(join(CGROUP_ROOT, unified), nowMs);
  return statsV1(
    join(CGROUP_ROOT, 'memory', paths.get('memory') ?? '/'),
    join(CGROUP_ROOT, 'cpuacct', paths.get('cpuacct') ?? '/'),
    nowMs,
  );
}

/** `4:memory:/docker/abc` → memory → /docker/abc; version 2 has the empty name. */
export function controllerPaths(membership: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of membership.split('\n')) {
    const [, controllers, path] = line.split(':');
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
}

async function statsV1(memory: string, cpu: string, nowMs: number): Promise<ContainerStats | undefined> {
  const [usage, stat, nanoseconds] = await Promise.all([
    read(join(memory, 'memory.usage_in_bytes')),
    read(join(memory, 'memory.stat')),
    read(join(cpu, 'cpuacct.usage')),
  ]);
  if (usage === undefined || nanoseconds === undefined) return undefined;
  const inactive = field(stat ?? '', 'total_inactive_file');
  return stats(nowMs, Number(nanoseconds), Number(usage), inactive);
}

async function statsV2(folder: string, nowMs: number): Promise<ContainerStats | undefined> {
  const [usage, stat, cpu] = await Promise.all([
    read(join(folder, 'memory.current')),
    read(join(folder, 'memory.stat')),
    read(join(folder, 'cpu.stat')),
  ]);
  if (usage === undefined || cpu === undefined) return undefined;
  return stats(nowMs, field(cpu, 'usage_usec') * 1000, Number(usage), field(stat ?? '', 'inactive_file'));
}

function stats(atMs: number, cpuNanoseconds: number, memoryBytes: number, inactive: number): ContainerStats {
  return { atMs, cpuNanoseconds, memoryBytes, workingSetBytes: Math.max(0, memoryBytes - inactive) };
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

async function read(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    // The process ended meanwhile, or this hierarchy is not mounted here: no figures.
    return undefined;
  }
}
