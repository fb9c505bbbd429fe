import { getCondition, isPodReady, Lease, Node, Pod } from '@kubelab/api';
import { errorMessage } from '@kubelab/component-base';
import type { MemberKind } from '../core/plan.ts';
import { fromHost, membersOf } from '../core/plan.ts';
import type { MemberState } from '../drivers/driver.ts';
import { adminClient, storeClient } from '../lab/clients.ts';
import type { OpenLab } from '../lab/open.ts';

/** The form of `kubelab status --json`; scripts count on it. */
export interface LabStatus {
  readonly name: string;
  readonly driver: string;
  readonly members: readonly MemberReport[];
}

export interface MemberReport {
  readonly name: string;
  readonly kind: MemberKind;
  readonly state: MemberState;
  readonly role?: 'leader' | 'follower' | 'learner' | undefined;
  readonly term?: number | undefined;
  readonly index?: number | undefined;
  readonly pid?: number | undefined;
  readonly container?: string | undefined;
}

/** A node as the API knows it, with the pods on it. */
export interface NodeReport {
  readonly name: string;
  /** `Ready`, `NotReady`, `Unknown`; `Ready,SchedulingDisabled` as kubectl writes it. */
  readonly status: string;
  readonly pods: readonly PodReport[];
}

export interface PodReport {
  readonly name: string;
  readonly namespace: string;
  readonly phase: string;
  readonly isReady: boolean;
  readonly isTerminating: boolean;
}

export interface LabView {
  readonly status: LabStatus;
  readonly nodes: readonly NodeReport[];
  /** Why there is nothing about nodes. */
  readonly apiError?: string | undefined;
}

interface Role {
  readonly role: 'leader' | 'follower' | 'learner';
  readonly term?: number;
  readonly index?: number;
}

/** Asks the driver, each store member and the API; whoever does not answer is left out. */
export async function gatherView(lab: OpenLab): Promise<LabView> {
  const [states, stores, api] = await Promise.all([lab.driver.status(lab), storeRoles(lab), readApi(lab)]);
  const members = lab.plan.members.map(({ name, kind }): MemberReport => {
    const { state, pid, container } = states.get(name) ?? { state: 'down' };
    const role = state === 'running' ? (stores.get(name) ?? api.roles.get(name)) : undefined;
    return {
      name,
      kind,
      state,
      ...role,
      ...(pid === undefined ? {} : { pid }),
      ...(container === undefined ? {} : { container }),
    };
  });
  return {
    status: { name: lab.plan.name, driver: lab.plan.driver, members },
    nodes: api.nodes,
    apiError: api.error,
  };
}

async function storeRoles(lab: OpenLab): Promise<Map<string, Role>> {
  const client = await storeClient(lab);
  const roles = new Map<string, Role>();
  const ask = async (name: string, endpoint: string) => {
    const status = await client.status(endpoint);
    const leads = String(status.leader) === String(status.header.memberId);
    const role = status.isLearner ? 'learner' : leads ? 'leader' : 'follower';
    roles.set(name, { role, term: Number(status.raftTerm), index: Number(status.raftIndex) });
  };
  try {
    const members = membersOf(lab.plan, 'etcd');
    await Promise.allSettled(
      members.map((etcd) => ask(etcd.name, `https://${fromHost(lab.plan, etcd, 'client')}`)),
    );
    return roles;
  } finally {
    client.close();
  }
}

interface ApiReport {
  readonly roles: ReadonlyMap<string, Role>;
  readonly nodes: readonly NodeReport[];
  readonly error?: string;
}

async function readApi(lab: OpenLab): Promise<ApiReport> {
  const client = await adminClient(lab);
  try {
    const [nodes, pods, leases] = await Promise.all([
      client.list(Node),
      client.list(Pod),
      client.list(Lease, { namespace: 'kube-system' }),
    ]);
    const holders = new Set(leases.items.map((lease) => lease.spec.holderIdentity));
    const elected = [...membersOf(lab.plan, 'scheduler'), ...membersOf(lab.plan, 'controller-manager')];
    const roles = elected.map(({ name }): [string, Role] => [
      name,
      { role: holders.has(name) ? 'leader' : 'follower' },
    ]);
    return { roles: new Map(roles), nodes: nodes.items.map((node) => reportNode(node, pods.items)) };
  } catch (error) {
    return { roles: new Map(), nodes: [], error: errorMessage(error) };
  } finally {
    client.close();
  }
}

function reportNode(node: Node, pods: readonly Pod[]): NodeReport {
  const ready = getCondition(node.status?.conditions, 'Ready')?.status;
  const word = ready === 'True' ? 'Ready' : ready === 'False' ? 'NotReady' : 'Unknown';
  const own = pods.filter((pod) => pod.spec.nodeName === node.metadata.name);
  return {
    name: node.metadata.name,
    status: node.spec.unschedulable === true ? `${word},SchedulingDisabled` : word,
    pods: own.map((pod) => ({
      name: pod.metadata.name,
      namespace: pod.metadata.namespace ?? '',
      phase: pod.status?.phase ?? 'Pending',
      isReady: isPodReady(pod),
      isTerminating: pod.metadata.deletionTimestamp !== undefined,
    })),
  };
}
