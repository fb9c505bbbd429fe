import { arch, cpus, loadavg, release, totalmem } from 'node:os';

/** What the figures were measured on, and how busy it was: figures of a loaded machine are worth little. */
export function machine() {
  const [cpu] = cpus();
  return {
    date: new Date().toISOString(),
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryMegabytes: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    arch: arch(),
    node: process.version,
    load1: loadavg()[0],
  };
}
