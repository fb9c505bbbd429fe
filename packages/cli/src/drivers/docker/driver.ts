import { type LabPlan, type MemberPlan, membersOf } from '../../core/plan.ts';
import type { Driver, DriverLab, MemberState, MemberStatus } from '../driver.ts';
import { type ContainerContext, containerName, containerSpec, networkName } from './containers.ts';
import { docker, engineSocket, tryDocker } from './engine.ts';
import { ensureImage, removeImages } from './image.ts';
import { LABELS, labId, refuseStrangers, removeObjects } from './objects.ts';

/** Engine's word → ours. */
const STATES: Readonly<Record<string, MemberState>> = {
  running: 'running',
  paused: 'paused',
  restarting: 'restarting',
};

interface Container extends MemberStatus {
  readonly id: string;
  readonly member: string;
  /** Hash of what it was made of. */
  readonly spec: string;
}

/** Every member is a container of the host's engine, nodes with an engine of their own inside. */
export class DockerDriver implements Driver {
  readonly name = 'docker';

  async prepare(lab: DriverLab, tell: (line: string) => void): Promise<void> {
    await refuseStrangers(lab.folder);
    await ensureImage(tell);
    const network = networkName(lab.plan);
    if ((await tryDocker('network', 'inspect', network)) !== undefined) return;
    const labels = await labLabels(lab);
    await docker('network', 'create', ...labels.flatMap((label) => ['--label', label]), network);
  }

  async start(lab: DriverLab, members: readonly MemberPlan[]): Promise<void> {
    const { folder, plan } = lab;
    const context: ContainerContext = {
      image: await ensureImage(() => undefined),
      labels: await labLabels(lab),
      config: (member) => folder.config(member),
      images: folder.images,
      socket: engineSocket(),
    };
    const containers = await containersOf(plan);
    // All at once: members find one another when they are up.
    await Promise.all(
      members.map((member) => startMember(plan, member, context, containers.get(member.name))),
    );
  }

  async stop({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    const container = (await containersOf(plan)).get(member.name);
    if (container?.state === 'paused') await docker('unpause', container.id);
    if (container !== undefined) await docker('stop', container.id);
  }

  async kill({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    const container = (await containersOf(plan)).get(member.name);
    // The engine kills only what runs; one that is being restarted is stopped, which ends its restarts.
    if (container?.state === 'paused') await docker('unpause', container.id);
    if (container?.state === 'running' || container?.state === 'paused') await docker('kill', container.id);
    if (container?.state === 'restarting') await docker('stop', '--time', '0', container.id);
  }

  async pause({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    const state = (await containersOf(plan)).get(member.name)?.state ?? 'down';
    if (state === 'paused') return;
    if (state !== 'running') throw new Error(`${member.name} does not run`);
    await docker('pause', containerName(plan, member));
  }

  async resume({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    const state = (await containersOf(plan)).get(member.name)?.state ?? 'down';
    if (state === 'down') throw new Error(`${member.name} does not run`);
    if (state === 'paused') await docker('unpause', containerName(plan, member));
  }

  status({ plan }: DriverLab): Promise<ReadonlyMap<string, MemberStatus>> {
    return containersOf(plan);
  }

  /** The engine watches over containers itself. */
  clearLeftovers(): Promise<void> {
    return Promise.resolve();
  }

  async stopAll({ plan }: DriverLab): Promise<void> {
    const up = [...(await containersOf(plan)).values()].filter(({ state }) => state !== 'down');
    const paused = up.filter(({ state }) => state === 'paused');
    if (paused.length > 0) await docker('unpause', ...paused.map(({ id }) => id));
    // The store last: what writes to it would wait for it in vain.
    const stores = new Set(membersOf(plan, 'etcd').map(({ name }) => name));
    for (const wave of [
      up.filter(({ member }) => !stores.has(member)),
      up.filter(({ member }) => stores.has(member)),
    ]) {
      if (wave.length > 0) await docker('stop', ...wave.map(({ id }) => id));
    }
  }

  logCommand({ plan }: DriverLab, member: MemberPlan, follow: boolean): Promise<readonly string[]> {
    const options = follow ? ['--follow', '--tail', '100'] : [];
    return Promise.resolve(['docker', 'logs', ...options, containerName(plan, member)]);
  }

  dockerCommand({ plan }: DriverLab, node: MemberPlan, args: readonly string[]): Promise<readonly string[]> {
    const terminal = process.stdin.isTTY ? '-it' : '-i';
    const inner = ['docker', '-H', 'unix:///run/docker.sock', ...args];
    return Promise.resolve(['docker', 'exec', terminal, containerName(plan, node), ...inner]);
  }

  async resolves({ plan }: DriverLab, node: MemberPlan, name: string): Promise<boolean> {
    // By name: beside the node's own address there is that of the bridge of its pods.
    const script = `const {Resolver,lookup}=require('dns').promises;const r=new Resolver({timeout:500,tries:1});
      lookup('${node.name}',4).then((own)=>{r.setServers([own.address]);return r.resolve4('${name}')})
      .then(()=>process.exit(0),()=>process.exit(1))`;
    return (await tryDocker('exec', containerName(plan, node), 'node', '-e', script)) !== undefined;
  }

  async destroy({ folder }: DriverLab, { images }: { readonly images: boolean }): Promise<void> {
    await removeObjects(folder);
    if (images) await removeImages();
  }
}

async function labLabels({ folder }: DriverLab): Promise<string[]> {
  return [
    `${LABELS.lab}=${folder.name}`,
    `${LABELS.folder}=${folder.path}`,
    `${LABELS.id}=${await labId(folder)}`,
  ];
}

/** Starts the container that is there, or a new one: what a member keeps is in its volume. */
async function startMember(
  plan: LabPlan,
  member: MemberPlan,
  context: ContainerContext,
  container: Container | undefined,
): Promise<void> {
  switch (container?.state) {
    case 'running':
    case 'restarting':
      return;
    case 'paused':
      await docker('unpause', container.id);
      return;
    default:
  }
  const { hash, words } = containerSpec(plan, member, context);
  if (container !== undefined) {
    // One of an older image or other flags is made anew; so is one that does not start, as its network may have been removed.
    if (container.spec === hash && (await tryDocker('start', container.id)) !== undefined) return;
    await docker('rm', '--force', '--volumes', container.id);
  }
  await docker('run', '--detach', ...words);
}

/** The lab's containers by member. */
async function containersOf(plan: LabPlan): Promise<Map<string, Container>> {
  const list = await docker('ps', '--all', '--quiet', '--filter', `label=${LABELS.lab}=${plan.name}`);
  const ids = list.split('\n').filter(Boolean);
  if (ids.length === 0) return new Map();
  const label = (name: string) => `{{index .Config.Labels "${name}"}}`;
  const format = `{{.Id}} {{.State.Status}} {{.State.Pid}} {{.Name}} ${label(LABELS.member)} ${label(LABELS.spec)}`;
  const text = await docker('inspect', '--type', 'container', '--format', format, ...ids);
  const containers = text
    .trim()
    .split('\n')
    .map((line): Container => {
      const [id = '', state = '', pid = '0', name = '', member = '', spec = ''] = line.split(' ');
      return {
        id,
        member,
        spec,
        state: STATES[state] ?? 'down',
        pid: pid === '0' ? undefined : Number(pid),
        container: name.replace(/^\//, ''),
      };
    });
  return new Map(containers.map((container) => [container.member, container]));
}
