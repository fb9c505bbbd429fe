import { Listr } from 'listr2';
import { createServer } from 'node:net';
import { MEMBER_KINDS, membersOf } from '../core/plan.ts';
import { startProxy } from '../proxy/control.ts';
import type { OpenLab } from './open.ts';
import { ensurePki } from './pki.ts';
import { dnsReady, nodesReady, storeReady } from './wait-ready.ts';

/**
 * Starts every member of the lab that is not down by request and waits until it can be used: nodes Ready, DNS answering.
 * What stands already is left as it is. The exit code.
 */
export async function bringUp(lab: OpenLab, options: { readonly quiet: boolean }): Promise<number> {
  const state = (await lab.folder.read()) ?? lab.state;
  const open: OpenLab = { ...lab, state };
  const startMs = performance.now();
  await open.driver.clearLeftovers(open);
  await requireFreePort(open);
  const wanted = MEMBER_KINDS.flatMap((kind) => membersOf(open.plan, kind)).filter(
    ({ name }) => !state.down.includes(name),
  );
  const steps = new Listr(
    [
      { title: 'Certificates', task: () => ensurePki(open) },
      {
        title: `Network (${open.plan.driver})`,
        task: (_, step) => open.driver.prepare(open, (line) => (step.output = line)),
      },
      { title: `${wanted.length} members`, task: () => open.driver.start(open, wanted) },
      { title: 'Store has a leader', task: (_, step) => storeReady(open, (line) => (step.output = line)) },
      { title: 'Nodes Ready', task: (_, step) => nodesReady(open, (line) => (step.output = line)) },
      {
        title: 'DNS answers',
        skip: () => open.plan.driver === 'hollow',
        task: (_, step) => dnsReady(open, (line) => (step.output = line)),
      },
      {
        title: `Proxy without credentials on 127.0.0.1:${open.plan.insecurePort}`,
        enabled: () => open.plan.insecurePort !== undefined,
        task: () => startProxy(open),
      },
    ],
    { renderer: options.quiet ? 'silent' : process.stdout.isTTY ? 'default' : 'simple' },
  );
  await steps.run();
  if (!options.quiet) process.stdout.write(farewell(open, performance.now() - startMs));
  return 0;
}

/** The kubeconfig names a port: another program on it would answer in the lab's place. */
async function requireFreePort(lab: OpenLab): Promise<void> {
  const states = await lab.driver.status(lab);
  for (const member of lab.plan.members) {
    const state = states.get(member.name)?.state ?? 'down';
    for (const port of state === 'down' ? Object.values(member.published) : []) {
      if (await canListen(port)) continue;
      const again = `"kubelab down --name ${lab.plan.name}" and "kubelab up" choose another`;
      throw new Error(
        `port ${port} on 127.0.0.1, which ${member.name} of this lab needs, is in use: end what uses it, or ${again}`,
      );
    }
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function farewell({ plan, folder }: OpenLab, tookMs: number): string {
  const name = plan.name === 'lab' ? '' : ` --name ${plan.name}`;
  return [
    '',
    `Lab "${plan.name}" is ready (${(tookMs / 1000).toFixed(1)} s): ${plan.driver} driver, ${membersOf(plan, 'node').length} nodes.`,
    '',
    `  export KUBECONFIG=${folder.kubeconfig}      # or: eval "$(./kubelab env${name})"`,
    '  kubectl get nodes -o wide',
    '  kubectl create deployment web --image=busybox -- httpd -f -p 8080',
    `  ./kubelab load <image>${name}                  # from the host's engine, or a tar: there may be no registry`,
    `  ./kubelab status${name}                        # who leads, what runs where`,
    `  ./kubelab kill node-2${name}                   # and watch its pods come back elsewhere`,
    '',
    `  ./kubelab stop${name} | start${name} | down${name}`,
    '',
  ].join('\n');
}
