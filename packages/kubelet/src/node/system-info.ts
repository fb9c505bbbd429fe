import { readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import type { SystemInfo } from '../core/node-status.ts';

const GO_ARCH: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ia32: '386',
  s390x: 's390x',
};

export async function systemInfo(): Promise<SystemInfo> {
  const [machineId, bootId, systemUuid, osRelease] = await Promise.all([
    read('/etc/machine-id'),
    read('/proc/sys/kernel/random/boot_id'),
    read('/sys/class/dmi/id/product_uuid'),
    read('/etc/os-release'),
  ]);
  return {
    machineId,
    bootId,
    systemUuid: systemUuid === '' ? machineId : systemUuid,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    os: 'linux',
    arch: GO_ARCH[arch()] ?? arch(),
  };
}

/** What the machine itself has: only where the lab declares nothing. */
export function machineCapacity(): Record<string, string> {
  return { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '110' };
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
}
