/**
 * kube-controller-manager: all controllers in one process, working while it holds the lease
 * kube-system/kube-controller-manager.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import {
  createClient,
  createController,
  createEventRecorder,
  createInformerFactory,
  type KubeClient,
  loadKubeconfig,
  runControllers,
  runLeaderElection,
} from '@kubelab/client';
import { type ComponentContext, runComponent, UsageError } from '@kubelab/component-base';
import { type ControllerManagerOptions, selectControllers } from './controllers.ts';
import { type ControllerManagerFlags, flagSpecs } from './flags.ts';

type Settings = Omit<ControllerManagerOptions, 'signal'>;

const NAME = 'kube-controller-manager';

export async function main(argv: readonly string[]): Promise<void> {
  await runComponent(
    { name: 'controller-manager', summary: 'Runs the controllers of the cluster.', flags: flagSpecs, start },
    argv,
  );
}

async function start(context: ComponentContext<typeof flagSpecs>): Promise<void> {
  const { flags, log, clock, random, signal } = context;
  // 1. What is asked for, before anything is touched.
  const options = readOptions(flags);
  const { unknown } = selectControllers(flags.controllers);
  if (unknown.length > 0)
    throw new UsageError(`--controllers: ${unknown.join(', ')} is not a known controller`);

  // 2. One connection for everything.
  const servers = flags.master.length > 0 ? { servers: flags.master } : {};
  const config = await loadKubeconfig(flags.kubeconfig, { ...servers, userAgent: NAME });
  const client = createClient(config, { clock, random, log });
  context.onStop(() => client.close());

  // 3. Work alone, or as long as the lease is ours. A lost lease ends the process: nothing is ever half a
  // leader.
  if (!flags['leader-elect']) return await work(context, client, options, signal);
  const identity = flags['leader-elect-identity'] ?? `${hostname()}_${random.uuid()}`;
  const election = runLeaderElection(
    {
      client,
      namespace: flags['leader-elect-resource-namespace'],
      name: NAME,
      identity,
      leaseDurationMs: flags['leader-elect-lease-duration'],
      renewDeadlineMs: flags['leader-elect-renew-deadline'],
      retryPeriodMs: flags['leader-elect-retry-period'],
      clock,
      random,
      log,
      onStartedLeading: (leading) => {
        work(context, client, options, leading).catch((error: unknown) => {
          if (!leading.aborted) context.fatal('controllers failed', error);
        });
      },
      onStoppedLeading: () => context.fatal('leader election lost'),
    },
    signal,
  );
  // Asked to stop, the lease is given back before the connection closes.
  context.onStop(() => election);
  await election;
}

/** Controllers on shared caches, until the signal. */
async function work(
  { flags, log, clock, random }: ComponentContext<typeof flagSpecs>,
  client: KubeClient,
  options: Settings,
  signal: AbortSignal,
): Promise<void> {
  const informers = createInformerFactory(client, { clock, random, log });
  const { selected } = selectControllers(flags.controllers);
  const running = selected.flatMap(({ component, make }) => {
    const events = createEventRecorder(client, { component, clock, random, log });
    const spec = make({ client, informers, events, clock, random, log }, { ...options, signal });
    return spec === undefined ? [] : [createController(spec, { clock, random, log })];
  });
  log.info('controllers starting', { controllers: running.map(({ name }) => name) });
  await runControllers(running, informers, signal);
}

function readOptions(flags: ControllerManagerFlags): Settings {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'));
  return {
    flags,
    rootCa: file(flags['root-ca-file']),
    serviceAccountKey: file(flags['service-account-private-key-file']),
  };
}

if (import.meta.main) await main(process.argv.slice(2));
