import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@kubelab/component-base/testing';
import { execute } from './lab.ts';

const IP_FORWARD = '/proc/sys/net/ipv4/ip_forward';

/** Why there can be no engine for tests, or false. Starts nothing. */
export async function engineUnavailable(): Promise<string | false> {
  if (!(await runs('docker', ['--version']))) return 'docker is not installed';
  if (await runs('docker', ['version'])) return false;
  if (process.getuid?.() !== 0) return 'no Docker engine answers, and starting one needs root';
  if (!(await runs('dockerd', ['--version'])))
    return 'no Docker engine answers, and dockerd is not installed';
  return false;
}

/**
 * The engine that runs, or else one of our own, which this process and its children find by `DOCKER_HOST`.
 * What is given back ends it and leaves the machine as it was.
 */
export async function startEngine(): Promise<() => Promise<void>> {
  if (await runs('docker', ['version'])) return () => Promise.resolve();
  const hadBridge = existsSync('/sys/class/net/docker0');
  const forward = readFileSync(IP_FORWARD, 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'kubelab-engine-'));
  const log = join(folder, 'log');
  const output = openSync(log, 'a');
  const daemon = spawn('dockerd', daemonFlags(folder), { stdio: ['ignore', output, output] });
  const ended = new Promise((done) => daemon.once('exit', done));
  process.env.DOCKER_HOST = `unix://${join(folder, 'docker.sock')}`;
  const stop = async () => {
    daemon.kill('SIGTERM');
    await ended;
    delete process.env.DOCKER_HOST;
    await rm(folder, { recursive: true, force: true });
    if (!hadBridge) await execute('ip', ['link', 'delete', 'docker0']).catch(() => undefined);
    writeFileSync(IP_FORWARD, forward);
  };
  try {
    await eventually('the engine answers', () => runs('docker', ['version']), 30_000, 100);
  } catch (error) {
    const end = readFileSync(log, 'utf8').slice(-2000);
    await stop();
    throw new Error(`dockerd did not start:\n${end}`, { cause: error });
  }
  return stop;
}

/** Without firewall rules: containers of one network need none, published ports have the engine's own proxy. */
function daemonFlags(folder: string): string[] {
  return [
    `--host=unix://${join(folder, 'docker.sock')}`,
    `--data-root=${join(folder, 'data')}`,
    `--exec-root=${join(folder, 'exec')}`,
    `--pidfile=${join(folder, 'pid')}`,
    '--iptables=false',
    '--ip-masq=false',
  ];
}

async function runs(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await execute(command, args, { timeoutMs: 10_000 })).code === 0;
  } catch {
    // Not installed.
    return false;
  }
}
