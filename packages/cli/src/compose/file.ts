import { memberCommand } from '../core/member-command.ts';
import { type LabPlan, type MemberPlan, membersOf } from '../core/plan.ts';
import { CONTAINER_PATHS, NODE_ENTRY, NODE_PRIVILEGES, nodeLimits } from '../drivers/docker/containers.ts';
import { API_PORT_VARIABLE, composePlan } from './plan.ts';

const IMAGE = 'kubelab:latest';

type Service = Readonly<Record<string, unknown>>;

/** The content of `docker-compose.yml`, as data: one service a process, the same commands as the docker driver's. */
export function composeFile(): Readonly<Record<string, unknown>> {
  const plan = composePlan();
  const members = Object.fromEntries(plan.members.map((member) => [member.name, serviceOf(plan, member)]));
  const volumes = plan.members
    .filter(({ kind }) => kind === 'etcd' || kind === 'node')
    .map(({ name }) => [name, {}] as const);
  return { services: { init: initService(), ...members }, volumes: Object.fromEntries(volumes) };
}

function initService(): Service {
  return {
    image: IMAGE,
    build: {
      context: '.',
      dockerfile: 'images/Dockerfile',
      // `npm run images` makes a base where there is no registry, and notes it in .env
      args: { NODE_BASE: `\${NODE_BASE:-node:24-bookworm-slim}` },
    },
    command: ['compose-init', '--owner-of=/project/docker-compose.yml', `--api-port=${API_PORT_VARIABLE}`],
    volumes: ['./lab:/lab', './docker-compose.yml:/project/docker-compose.yml:ro'],
  };
}

function serviceOf(plan: LabPlan, member: MemberPlan): Service {
  const command = memberCommand(plan, member, CONTAINER_PATHS);
  const common = {
    image: IMAGE,
    hostname: member.name,
    restart: 'unless-stopped',
    stop_grace_period: '20s',
    depends_on: dependencies(plan, member),
    ...ports(member),
  };
  const config = `./lab/members/${member.name}:${CONTAINER_PATHS.config}:ro`;
  switch (member.kind) {
    case 'etcd':
      return { ...common, command, volumes: [config, `${member.name}:${CONTAINER_PATHS.data}`] };
    case 'images':
      return {
        ...common,
        command,
        volumes: [
          config,
          `./lab/images:${CONTAINER_PATHS.data}`,
          `\${DOCKER_SOCKET:-/var/run/docker.sock}:/var/run/docker.sock`,
        ],
      };
    case 'lb':
      return { ...common, command };
    case 'node': {
      const { cpuPeriodUs, cpuQuotaUs, memoryBytes } = nodeLimits(plan);
      return {
        ...common,
        entrypoint: [...NODE_ENTRY],
        command,
        cap_add: [...NODE_PRIVILEGES.capabilities],
        security_opt: [...NODE_PRIVILEGES.securityOptions],
        device_cgroup_rules: ['a *:* rwm'],
        cpu_period: cpuPeriodUs,
        cpu_quota: cpuQuotaUs,
        mem_limit: memoryBytes,
        tmpfs: ['/run:mode=755,exec'],
        volumes: [config, `${member.name}:${CONTAINER_PATHS.data}`],
      };
    }
    default:
      return { ...common, command, volumes: [config] };
  }
}

/** Everybody needs the certificates. API servers come after the store, so that they also go before it. */
function dependencies(plan: LabPlan, member: MemberPlan): Service {
  const stores = member.kind === 'apiserver' ? membersOf(plan, 'etcd') : [];
  return {
    init: { condition: 'service_completed_successfully' },
    ...Object.fromEntries(stores.map(({ name }) => [name, { condition: 'service_started' }])),
  };
}

function ports(member: MemberPlan): Service {
  const list = Object.entries(member.published).map(
    ([port, host]) => `127.0.0.1:${port === 'rest' ? API_PORT_VARIABLE : host}:${member.ports[port]}`,
  );
  return list.length === 0 ? {} : { ports: list };
}
