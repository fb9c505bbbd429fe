import { UsageError } from '@kubelab/component-base';
import {
  CONTROL_PLANE_MAX,
  type DriverName,
  extendPlan,
  type LabPlan,
  type LabRequest,
  NODES_MAX,
  planLab,
  type Timings,
} from '../core/plan.ts';
import { driverOf } from '../drivers/index.ts';
import { allocatorOf } from '../lab/allocate.ts';
import { bringUp } from '../lab/bring-up.ts';
import { chooseDriver } from '../lab/choose-driver.ts';
import { LabFolder } from '../lab/folder.ts';
import { defineCommand } from './command.ts';

const flags = {
  nodes: { type: 'number', description: 'nodes (default 3); more on a running lab adds them' },
  etcd: { type: 'number', description: 'store members (default 3); only for a new lab' },
  apiservers: { type: 'number', description: 'API servers (default 2)' },
  driver: { type: 'string', description: 'docker, netns or hollow; default: the first that works here' },
  timings: {
    type: 'string',
    default: 'lab',
    description: "lab (heals in seconds) or kubernetes (upstream's clocks)",
  },
  'node-cpu': { type: 'string', default: '4', description: 'CPU of each node, as a quantity' },
  'node-memory': { type: 'string', default: '4Gi', description: 'memory of each node, as a quantity' },
  'insecure-port': {
    type: 'number',
    description: 'also serve the API on this loopback port without credentials, as the administrator',
  },
  yes: { type: 'boolean', default: false, description: 'install what is missing without asking (-y)' },
} as const;

export const up = defineCommand({
  usage: 'up [flags]',
  summary: 'Brings a lab up and waits until it can be used; on a lab that runs it adds what is missing.',
  flags,
  async run({ flags }) {
    const folder = new LabFolder(flags.name);
    const state = await folder.read();
    const driver = driverName(flags.driver);
    if (state !== undefined && driver !== undefined && driver !== state.plan.driver) {
      throw new UsageError(
        `lab "${flags.name}" runs on the ${state.plan.driver} driver`,
        `"kubelab down --name ${flags.name}" first, or another --name`,
      );
    }
    if (state !== undefined && flags.etcd !== undefined && flags.etcd !== countEtcd(state.plan)) {
      throw new UsageError(
        `lab "${flags.name}" has ${countEtcd(state.plan)} store members`,
        'a store is not resized by "up"',
      );
    }
    const request: LabRequest = {
      name: flags.name,
      driver: state?.plan.driver ?? driver ?? (await chooseDriver({ mayInstall: flags.yes, tell })),
      timings: timingsName(flags.timings),
      nodes: count('nodes', flags.nodes, 3, NODES_MAX),
      etcd: count('etcd', flags.etcd, 3, CONTROL_PLANE_MAX),
      apiservers: count('apiservers', flags.apiservers, 2, CONTROL_PLANE_MAX),
      nodeCpu: quantity('node-cpu', flags['node-cpu']),
      nodeMemory: quantity('node-memory', flags['node-memory']),
      insecurePort: flags['insecure-port'],
    };
    const allocator = await allocatorOf(folder, request);
    const plan =
      state === undefined ? planLab(request, allocator) : extendPlan(state.plan, request, allocator);
    await folder.create();
    const next = { version: 1, plan, down: [] } as const;
    await folder.write(next);
    return bringUp({ folder, state: next, plan, driver: await driverOf(plan.driver) }, { quiet: false });
  },
});

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

function countEtcd(plan: LabPlan): number {
  return plan.members.filter(({ kind }) => kind === 'etcd').length;
}

function driverName(text: string | undefined): DriverName | undefined {
  if (text === undefined || text === 'docker' || text === 'netns' || text === 'hollow') return text;
  throw new UsageError(`invalid argument "${text}" for "--driver" flag`, 'docker, netns or hollow');
}

function timingsName(text: string): Timings {
  if (text === 'lab' || text === 'kubernetes') return text;
  throw new UsageError(`invalid argument "${text}" for "--timings" flag`, 'lab or kubernetes');
}

function count(flag: string, given: number | undefined, standard: number, most: number): number {
  const value = given ?? standard;
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new UsageError(
      `invalid argument "${value}" for "--${flag}" flag`,
      `a whole number from 1 to ${most}`,
    );
  }
  return value;
}

function quantity(flag: string, text: string): string {
  if (/^\d+(\.\d+)?(m|[kMGT]i?)?$/.test(text)) return text;
  throw new UsageError(
    `invalid argument "${text}" for "--${flag}" flag`,
    'a quantity such as 2, 500m or 4Gi',
  );
}
