import { memberCommand } from '../../core/member-command.ts';
import type { LabPlan, MemberPlan } from '../../core/plan.ts';

/** Inside every member's container. */
export const CONTAINER_PATHS = { config: '/etc/kubelab', data: '/var/lib/kubelab' } as const;
export const LAB_LABEL = 'kubelab.lab';
export const MEMBER_LABEL = 'kubelab.member';
const REAPER = '/kubelab/packages/cli/src/node/reap.sh';
/** The image's entrypoint, for members that are started through the reaper. */
const ENTRYPOINT = ['node', '/kubelab/packages/cli/src/main.ts'];

export interface ContainerFolders {
  /** On the host: certificates and kubeconfigs of the member. */
  readonly config: string;
  /** On the host: the lab's image archives. */
  readonly images: string;
}

export function containerName(plan: LabPlan, member: MemberPlan): string {
  return `${plan.name}-${member.name}`;
}

export function networkName(plan: LabPlan): string {
  return `kubelab-${plan.name}`;
}

export function volumeName(plan: LabPlan, member: MemberPlan): string {
  return `kubelab-${plan.name}-${member.name}`;
}

/** What a node's container may do beyond an ordinary one: no more than an engine inside needs, and not the machine's clock. */
export const NODE_PRIVILEGES = {
  capabilities: ['SYS_ADMIN', 'NET_ADMIN'],
  // Else /proc/sys is read-only and the engine inside does not start.
  securityOptions: ['seccomp=unconfined', 'apparmor=unconfined', 'systempaths=unconfined'],
} as const;

/** The words of `docker create` for a member. Pure. */
export function createWords(
  plan: LabPlan,
  member: MemberPlan,
  image: string,
  folders: ContainerFolders,
): string[] {
  const words = [
    ...['docker', 'create', '--name', containerName(plan, member), '--hostname', member.name],
    ...['--label', `${LAB_LABEL}=${plan.name}`, '--label', `${MEMBER_LABEL}=${member.name}`],
    ...['--network', networkName(plan), '--network-alias', member.name],
    // What ends by itself comes back; what was stopped or killed by request does not.
    ...['--restart', 'unless-stopped', '--stop-timeout', '20'],
    ...['--volume', `${folders.config}:${CONTAINER_PATHS.config}:ro`],
  ];
  for (const [port, published] of Object.entries(member.published)) {
    words.push('--publish', `127.0.0.1:${published}:${member.ports[port]}`);
  }
  const command = memberCommand(plan, member, CONTAINER_PATHS);
  switch (member.kind) {
    case 'etcd':
      words.push('--volume', `${volumeName(plan, member)}:${CONTAINER_PATHS.data}`);
      break;
    case 'images':
      words.push(
        '--volume',
        `${folders.images}:${CONTAINER_PATHS.data}`,
        '--volume',
        '/var/run/docker.sock:/var/run/docker.sock',
      );
      break;
    case 'node':
      words.push(...nodeWords(plan, member));
      return [...words, '--entrypoint', 'sh', image, REAPER, ...ENTRYPOINT, ...command];
    default:
  }
  return [...words, image, ...command];
}

function nodeWords(plan: LabPlan, node: MemberPlan): string[] {
  return [
    // The engine's data has to be a volume: on the container's own overlay it would fall back to copying.
    ...['--volume', `${volumeName(plan, node)}:${CONTAINER_PATHS.data}`, '--tmpfs', '/run:mode=755,exec'],
    ...NODE_PRIVILEGES.capabilities.flatMap((name) => ['--cap-add', name]),
    ...NODE_PRIVILEGES.securityOptions.flatMap((option) => ['--security-opt', option]),
    ...['--device-cgroup-rule', 'a *:* rwm'],
    // As a quota: `--cpus` refuses more than the machine has, and a node may well declare more.
    ...['--cpu-period', String(CPU_PERIOD_US), '--cpu-quota', String(cpuCount(plan.nodeCpu) * CPU_PERIOD_US)],
    ...['--memory', String(byteCount(plan.nodeMemory))],
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
