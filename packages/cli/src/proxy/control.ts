import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fromHost, membersOf } from '../core/plan.ts';
import type { OpenLab } from '../lab/open.ts';
import { kubelabCommand } from '../self.ts';
import { endLeftovers, recordPids } from '../supervisor/leftovers.ts';

/** Starts the proxy as a process of the host, whatever the driver; leaves it when it answers. */
export async function startProxy({ folder, plan }: OpenLab): Promise<void> {
  const { insecurePort: port } = plan;
  if (port === undefined || (await answers(port))) return;
  const balancer = membersOf(plan, 'lb')[0];
  if (balancer === undefined) throw new Error('the plan has no balancer');
  const words = [
    'proxy',
    `--port=${port}`,
    `--server=https://${fromHost(plan, balancer, 'rest')}`,
    `--certificate-authority=${join(folder.path, 'pki/ca.crt')}`,
    `--client-certificate=${join(folder.path, 'pki/admin.crt')}`,
    `--client-key=${join(folder.path, 'pki/admin.key')}`,
  ];
  const log = openSync(folder.log('proxy'), 'a', 0o600);
  const { command, args } = kubelabCommand(words);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] });
  child.unref();
  await recordPids(
    folder.path,
    [{ name: 'proxy', state: 'running', pid: child.pid, restarts: 0 }],
    'proxy.json',
  );
  for (let tries = 0; tries < 250; tries++) {
    if (await answers(port)) return;
    if (child.exitCode !== null) break;
    await delay(20);
  }
  throw new Error(`the proxy did not start on 127.0.0.1:${port}: see ${folder.log('proxy')}`);
}

export async function stopProxy({ folder }: Pick<OpenLab, 'folder'>): Promise<void> {
  await endLeftovers(folder.path, undefined, 'proxy.json');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
