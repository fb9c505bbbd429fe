import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type Allocator, type LabPlan, type LabRequest, MEMBER_KINDS } from '../core/plan.ts';
import { LabFolder, labNames } from './folder.ts';

/** The port people expect the API on; taken when it is free. */
const PREFERRED_PORT = 6443;
const SUBNETS_MAX = 250;

/** Free ports and a free subnet of this machine, looked up before the plan is made. */
export async function allocatorOf(folder: LabFolder, request: LabRequest): Promise<Allocator> {
  const wanted = request.nodes + 2 * (request.etcd + request.apiservers) + MEMBER_KINDS.length;
  const ports = await freePorts(wanted);
  const others = await otherPlans(folder);
  const isPreferredFree =
    !portsOf(others).has(PREFERRED_PORT) && (await freePorts(0, PREFERRED_PORT)).length === 1;
  const used = usedSubnets(others);
  const port = () => {
    const free = ports.shift();
    if (free === undefined) throw new Error('no free ports are left on this machine');
    return free;
  };
  return {
    port,
    apiPort: () => (isPreferredFree ? PREFERRED_PORT : port()),
    subnet() {
      for (let octet = 1; octet < SUBNETS_MAX; octet++) {
        if (!used.has(octet)) return octet;
      }
      throw new Error('every network 10.89.N.0/24 is in use: "kubelab down" labs that are no longer needed');
    },
  };
}

async function freePorts(count: number, ...wanted: readonly number[]): Promise<number[]> {
  const servers = await Promise.all([...wanted, ...Array.from({ length: count }, () => 0)].map(listen));
  const ports = servers.flatMap((server) => {
    const address = server?.address();
    return typeof address === 'object' && address !== null ? [address.port] : [];
  });
  await Promise.all(
    servers.map(
      (server) => new Promise((resolve) => (server === undefined ? resolve(0) : server.close(resolve))),
    ),
  );
  return ports;
}

function listen(port: number): Promise<ReturnType<typeof createServer> | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** Plans of all other labs: one that is stopped keeps its ports and its network. */
async function otherPlans(own: LabFolder): Promise<LabPlan[]> {
  const names = (await labNames()).filter((name) => name !== own.name);
  const states = await Promise.all(names.map((name) => new LabFolder(name).read().catch(() => undefined)));
  return states.flatMap((state) => (state === undefined ? [] : [state.plan]));
}

function portsOf(plans: readonly LabPlan[]): Set<number> {
  return new Set(
    plans.flatMap(({ members }) => members.flatMap(({ published }) => Object.values(published))),
  );
}

/** The N of every 10.89.N.0/24 that an interface or another lab has. */
function usedSubnets(plans: readonly LabPlan[]): Set<number> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address }) => address),
  );
  const all = [...addresses, ...plans.map(({ memberCidr }) => memberCidr)];
  return new Set(
    all.flatMap((address) => (address.startsWith('10.89.') ? [Number(address.split('.')[2])] : [])),
  );
}
