import { createHash } from 'node:crypto';
import { memberCommand } from '../../core/member-command.ts';
import type { LabPlan, MemberPlan } from '../../core/plan.ts';
import { LABELS } from './objects.ts';

/** Inside every member's container. */
export const CONTAINER_PATHS = { config: '/etc/kubelab', data: '/var/lib/kubelab' } as const;
const REAPER = '/kubelab/packages/cli/src/node/reap.sh';
const MAIN = '/kubelab/packages/cli/src/main.ts';

/** What starts a node's container: a shell that reaps the engine's orphans, and through it the entry. */
export const NODE_ENTRY = ['sh', REAPER, 'node', MAIN] as const;

/** What containers need to know of the machine and of the lab beyond its plan. */
export interface ContainerContext {
  readonly image: string;
  /** Labels of the lab, `name=value`. */
  readonly labels: readonly string[];
  /** On the machine: certificates and kubeconfigs of a member. */
  config(member: string): string;
  /** On the machine: the lab's image archives. */
  readonly images: string;
  /** The engine's own socket. */
  readonly socket: string;
}

export function containerName(plan: LabPlan, member: MemberPlan): string {
  return `${plan.name}-${member.name}`;
}

export function networkName(plan: LabPlan): string {
  return `kubelab-${plan.name}`;
}

/** What a node's container may do beyond an ordinary one: no more than an engine inside needs, and not the machine's clock. */
export const NODE_PRIVILEGES = {
  capabilities: ['SYS_ADMIN', 'NET_ADMIN'],
  // The engine inside mounts and unshares. What is read-only in a container its entry makes writable itself.
  securityOptions: ['seccomp=unconfined', 'apparmor=unconfined'],
} as const;

/** A container as the words after `docker run --detach`, and a hash of them by which a container of another making is known. Pure. */
export function containerSpec(
  plan: LabPlan,
  member: MemberPlan,
  context: ContainerContext,
): { readonly hash: string; readonly words: readonly string[] } {
  const words = containerWords(plan, member, context);
  const hash = createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 12);
  return { hash, words: ['--label', `${LABELS.spec}=${hash}`, ...words] };
}

function containerWords(plan: LabPlan, member: MemberPlan, context: ContainerContext): string[] {
  const labels = [...context.labels, `${LABELS.member}=${member.name}`];
  const words = [
    ...['--name', containerName(plan, member), '--hostname', member.name],
    ...labels.flatMap((label) => ['--label', label]),
    ...['--network', networkName(plan), '--network-alias', member.name],
    // What ends by itself comes back; what was stopped or killed by request does not.
    ...['--restart', 'unless-stopped', '--stop-timeout', '20'],
    ...['--log-driver', 'json-file', '--log-opt', 'max-size=20m', '--log-opt', 'max-file=2'],
    ...['--volume', `${context.config(member.name)}:${CONTAINER_PATHS.config}:ro`],
    ...Object.entries(member.published).flatMap(([port, published]) => [
      '--publish',
      `127.0.0.1:${published}:${member.ports[port]}`,
    ]),
  ];
  const command = memberCommand(plan, member, CONTAINER_PATHS);
  switch (member.kind) {
    case 'etcd':
      return [...words, ...dataVolume(plan, member, context), context.image, ...command];
    case 'images':
      words.push('--volume', `${context.images}:${CONTAINER_PATHS.data}`);
      words.push('--volume', `${context.socket}:/var/run/docker.sock`);
      return [...words, context.image, ...command];
    case 'node': {
      const [program, ...entry] = NODE_ENTRY;
      words.push(...dataVolume(plan, member, context), ...nodeWords(plan));
      return [...words, '--entrypoint', program, context.image, ...entry, ...command];
    }
    default:
      return [...words, context.image, ...command];
  }
}

/** What a member keeps. An engine's data has to be a volume: on the container's own overlay it would fall back to copying. */
function dataVolume(plan: LabPlan, member: MemberPlan, { labels }: ContainerContext): string[] {
  const options = [
    'type=volume',
    `source=kubelab-${plan.name}-${member.name}`,
    `target=${CONTAINER_PATHS.data}`,
    ...labels.map((label) => `volume-label=${label}`),
  ];
  return ['--mount', options.join(',')];
}

/** What a node may use of the machine: what it declares. CPU as a quota, as `--cpus` refuses more than the machine has. */
export function nodeLimits(plan: LabPlan): {
  readonly cpuPeriodUs: number;
  readonly cpuQuotaUs: number;
  readonly memoryBytes: number;
} {
  return {
    cpuPeriodUs: CPU_PERIOD_US,
    cpuQuotaUs: Math.round(cpuCount(plan.nodeCpu) * CPU_PERIOD_US),
    memoryBytes: byteCount(plan.nodeMemory),
  };
}

function nodeWords(plan: LabPlan): string[] {
  const { cpuPeriodUs, cpuQuotaUs, memoryBytes } = nodeLimits(plan);
  return [
    ...['--tmpfs', '/run:mode=755,exec'],
    ...NODE_PRIVILEGES.capabilities.flatMap((name) => ['--cap-add', name]),
    ...NODE_PRIVILEGES.securityOptions.flatMap((option) => ['--security-opt', option]),
    ...['--device-cgroup-rule', 'a *:* rwm'],
    ...['--cpu-period', String(cpuPeriodUs), '--cpu-quota', String(cpuQuotaUs)],
    ...['--memory', String(memoryBytes)],
  ];
}

const CPU_PERIOD_US = 100_000;

/** `500m` → 0.5. */
function cpuCount(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}

const UNITS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function byteCount(quantity: string): number {
  const unit = /[a-zA-Z]+$/.exec(quantity)?.[0] ?? '';
  return Math.round(Number(quantity.slice(0, quantity.length - unit.length)) * (UNITS[unit] ?? 1));
}
