import { hostname } from 'node:os';
import {
  createClient,
  createEventRecorder,
  createInformerFactory,
  loadKubeconfig,
  runLeaderElection,
} from '@kubelab/client';
import { runComponent } from '@kubelab/component-base';
import { flags } from './flags.ts';
import {
  buildProfile,
  DEFAULT_SCHEDULER_NAME,
  readConfiguration,
  type SchedulerConfiguration,
} from './profile.ts';
import { Scheduler } from './scheduler.ts';

export async function main(argv: readonly string[]): Promise<void> {
  await runComponent(
    {
      name: 'scheduler',
      summary: 'Finds a node for every pod that has none.',
      flags,
      async start({ flags, log, clock, random, signal, onStop, fatal }) {
        // 1. What to run: one profile by the flags, or those of a KubeSchedulerConfiguration.
        const config: SchedulerConfiguration =
          flags.config === undefined ? {} : await readConfiguration(flags.config);
        const profiles = (config.profiles ?? [{ schedulerName: flags['scheduler-name'] }]).map((profile) =>
          buildProfile(profile),
        );

        // 2. The way to the API server.
        const userAgent = 'kube-scheduler/kubelab';
        const clientConfig = await loadKubeconfig(flags.kubeconfig, { servers: flags.master, userAgent });
        const client = createClient(clientConfig, { clock, random, log });
        const informers = createInformerFactory(client, { clock, random, log });
        const component = profiles[0]?.schedulerName ?? DEFAULT_SCHEDULER_NAME;
        const events = createEventRecorder(client, { component, clock, random, log });

        // 3. Caches and queue are kept warm also while another leads.
        const backoffFirstMs = seconds(config.podInitialBackoffSeconds);
        const backoffMaxMs = seconds(config.podMaxBackoffSeconds);
        const scheduler = new Scheduler(
          { client, informers, events, clock, random, log },
          { profiles, backoffFirstMs, backoffMaxMs },
        );
        informers.start(signal);
        await informers.waitForSync(signal);
        log.info('caches synced', { profiles: profiles.map(({ schedulerName }) => schedulerName) });

        // 4. Schedule, alone or when elected. Without the lease there is nothing left to do: end, and start
        // again as a follower.
        const run = (until: AbortSignal) => void scheduler.run(until);
        if (!flags['leader-elect']) return run(signal);
        const election = runLeaderElection(
          {
            client,
            clock,
            random,
            log,
            events,
            name: flags['leader-elect-resource-name'],
            namespace: flags['leader-elect-resource-namespace'],
            identity: flags['leader-elect-identity'] ?? `${hostname()}_${random.uuid()}`,
            leaseDurationMs: flags['leader-elect-lease-duration'],
            renewDeadlineMs: flags['leader-elect-renew-deadline'],
            retryPeriodMs: flags['leader-elect-retry-period'],
            onStartedLeading: run,
            onStoppedLeading: () => fatal('leaderelection lost'),
          },
          signal,
        );
        onStop(() => election);
      },
    },
    argv,
  );
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}

if (import.meta.main) await main(process.argv.slice(2));
