/**
 * A lab's plan: what members there are and where each listens. Made once, kept in the lab's state, only ever added to.
 * Pure: free ports and subnets are handed in.
 */
export type DriverName = 'docker' | 'netns' | 'hollow';
export type MemberKind = 'etcd' | 'apiserver' | 'lb' | 'scheduler' | 'controller-manager' | 'images' | 'node';
export type Timings = 'lab' | 'kubernetes';

/** In the order in which a lab starts. */
export const MEMBER_KINDS: readonly MemberKind[] = [
  'etcd',
  'apiserver',
  'lb',
  'images',
  'node',
  'controller-manager',
  'scheduler',
];

export interface LabPlan {
  readonly name: string;
  readonly driver: DriverName;
  readonly timings: Timings;
  /** Network of the members, `10.89.N.0/24`; unused by `hollow`. */
  readonly memberCidr: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly dnsIp: string;
  readonly clusterDomain: string;
  /** Per node, as Kubernetes quantities. */
  readonly nodeCpu: string;
  readonly nodeMemory: string;
  /** Loopback port of the proxy with the administrator's identity, if one was asked for. */
  readonly insecurePort?: number | undefined;
  readonly members: readonly MemberPlan[];
}

export interface MemberPlan {
  readonly name: string;
  readonly kind: MemberKind;
  /** Counts from 1 among its kind. */
  readonly index: number;
  /** The member's own address; absent where members are found by name (`docker`). */
  readonly address?: string | undefined;
  /** Where it listens, by the name of the port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Ports reachable on the host's loopback, by the name of the port. */
  readonly published: Readonly<Record<string, number>>;
}

export interface LabRequest {
  readonly name: string;
  readonly driver: DriverName;
  readonly timings: Timings;
  readonly nodes: number;
  readonly etcd: number;
  readonly apiservers: number;
  readonly nodeCpu: string;
  readonly nodeMemory: string;
  readonly insecurePort?: number | undefined;
}

/** What the machine has to offer; each call gives another one. */
export interface Allocator {
  /** A free TCP port on loopback. */
  port(): number;
  /** A free one for the API: where people expect it, if that is free. */
  apiPort(): number;
  /** The N of a `10.89.N.0/24` that no other lab and no route uses. */
  subnet(): number;
}

const PORTS: Readonly<Record<MemberKind, Readonly<Record<string, number>>>> = {
  etcd: { client: 2379, peer: 2380 },
  apiserver: { rest: 6443, grpc: 6444 },
  lb: { rest: 6443 },
  images: { https: 5443 },
  node: { kubelet: 10250 },
  scheduler: {},
  'controller-manager': {},
};

/** Last byte of the first address of a kind; nodes come last, as there may be many. */
const ADDRESS_BASE: Readonly<Record<MemberKind, number>> = {
  etcd: 10,
  apiserver: 20,
  lb: 30,
  images: 31,
  scheduler: 40,
  'controller-manager': 50,
  node: 100,
};

/** Names and sizes that a lab can have at the most: one /24 of members, one /24 of pods a node. */
export const NODES_MAX = 100;
export const CONTROL_PLANE_MAX = 9;

export function planLab(request: LabRequest, allocate: Allocator): LabPlan {
  const empty: LabPlan = {
    name: request.name,
    driver: request.driver,
    timings: request.timings,
    memberCidr: `10.89.${request.driver === 'hollow' ? 0 : allocate.subnet()}.0/24`,
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
    dnsIp: '10.96.0.10',
    clusterDomain: 'cluster.local',
    nodeCpu: request.nodeCpu,
    nodeMemory: request.nodeMemory,
    insecurePort: request.insecurePort,
    members: [],
  };
  return extendPlan(empty, request, allocate);
}

/**
 * The plan with what the request asks for beyond it.
 * PLAN-1: a member that is there keeps its name, address and ports; the store's member set never changes here, as that takes Raft.
 */
export function extendPlan(plan: LabPlan, request: LabRequest, allocate: Allocator): LabPlan {
  const wanted: Readonly<Record<MemberKind, number>> = {
    etcd: plan.members.length === 0 ? request.etcd : countOf(plan, 'etcd'),
    apiserver: request.apiservers,
    lb: 1,
    images: request.driver === 'hollow' ? 0 : 1,
    scheduler: Math.min(2, request.apiservers),
    'controller-manager': Math.min(2, request.apiservers),
    node: request.nodes,
  };
  const added = MEMBER_KINDS.flatMap((kind) => {
    const have = countOf(plan, kind);
    const missing = Math.max(0, wanted[kind] - have);
    return Array.from({ length: missing }, (_, i) => planMember(plan, kind, have + i + 1, allocate));
  });
  return {
    ...plan,
    insecurePort: request.insecurePort ?? plan.insecurePort,
    members: [...plan.members, ...added],
  };
}

function planMember(plan: LabPlan, kind: MemberKind, index: number, allocate: Allocator): MemberPlan {
  const name = `${kind}-${index}`;
  const ports = PORTS[kind];
  switch (plan.driver) {
    case 'hollow': {
      const free = () => (kind === 'lb' ? allocate.apiPort() : allocate.port());
      const own = Object.fromEntries(Object.keys(ports).map((port) => [port, free()]));
      return { name, kind, index, address: '127.0.0.1', ports: own, published: own };
    }
    case 'netns': {
      const published = kind === 'lb' ? { rest: allocate.apiPort() } : {};
      return { name, kind, index, address: hostAddress(plan, ADDRESS_BASE[kind] + index), ports, published };
    }
    case 'docker': {
      const published: Record<string, number> = {};
      if (kind === 'lb') published.rest = allocate.apiPort();
      if (kind === 'etcd') published.client = allocate.port();
      return { name, kind, index, ports, published };
    }
  }
}

/** The address with this last byte in the members' network. */
export function hostAddress(plan: Pick<LabPlan, 'memberCidr'>, lastByte: number): string {
  return `${plan.memberCidr.split('.').slice(0, 3).join('.')}.${lastByte}`;
}

export function membersOf(plan: LabPlan, kind: MemberKind): MemberPlan[] {
  return plan.members.filter((member) => member.kind === kind);
}

export function findMember(plan: LabPlan, name: string): MemberPlan | undefined {
  return plan.members.find((member) => member.name === name);
}

function countOf(plan: LabPlan, kind: MemberKind): number {
  return membersOf(plan, kind).length;
}

/** `host:port` under which other members reach this one. */
export function inside(member: MemberPlan, port: string): string {
  return `${member.address ?? member.name}:${member.ports[port]}`;
}

/** `host:port` under which the host reaches this member. */
export function fromHost(plan: LabPlan, member: MemberPlan, port: string): string {
  const published = member.published[port];
  if (published !== undefined) return `127.0.0.1:${published}`;
  if (plan.driver === 'docker') throw new Error(`port ${port} of ${member.name} is not published`);
  return inside(member, port);
}
