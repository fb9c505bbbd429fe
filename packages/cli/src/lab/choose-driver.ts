import { createInterface } from 'node:readline/promises';
import type { DriverName } from '../core/plan.ts';
import { probeDocker } from '../drivers/docker/probe.ts';
import { probeNetns } from '../drivers/netns/driver.ts';
import { runHere, tryRun } from '../drivers/run.ts';

/** Debian's and Ubuntu's packages with what a node in namespaces needs. */
const PACKAGES = ['docker.io', 'nftables', 'iptables', 'iproute2', 'procps'];

interface Choice {
  readonly mayInstall: boolean;
  readonly tell: (line: string) => void;
}

/** `docker` where an engine answers, else `netns`, else `hollow`; says which and why, and installs what is missing when it may. */
export async function chooseDriver({ mayInstall, tell }: Choice): Promise<DriverName> {
  const docker = await probeDocker();
  if (docker.ok) {
    tell('Driver: docker (an engine answers)');
    return 'docker';
  }
  let netns = await probeNetns();
  if (!netns.ok && netns.missing !== undefined && (await maySetUp(mayInstall, netns.missing, tell))) {
    await installPackages(tell);
    netns = await probeNetns();
  }
  if (netns.ok) {
    tell(`Driver: netns (${docker.why}; nodes run in Linux namespaces with an engine each)`);
    return 'netns';
  }
  tell(`Driver: hollow, nodes without containers (${docker.why}; ${netns.why})`);
  return 'hollow';
}

async function maySetUp(
  mayInstall: boolean,
  missing: readonly string[],
  tell: (line: string) => void,
): Promise<boolean> {
  if ((await tryRun(['apt-get', '--version'])) === undefined) return false;
  if (mayInstall || !process.stdin.isTTY) return true;
  tell(`To run containers kubelab needs ${missing.join(', ')}.`);
  const question = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await question.question(`Install ${PACKAGES.join(' ')} with apt-get? [Y/n] `);
  question.close();
  return !/^n/i.test(answer.trim());
}

/** The engine's own service is not started: nodes have engines of their own. */
async function installPackages(tell: (line: string) => void): Promise<void> {
  tell(`Installing ${PACKAGES.join(' ')} with apt-get`);
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', 'apt-get', '-qq'];
  await runHere([...quiet, 'update']);
  const code = await runHere([...quiet, 'install', '-y', '--no-install-recommends', ...PACKAGES]);
  if (code !== 0) tell('The installation failed; going on without');
}
