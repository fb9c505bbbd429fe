import type { LabPlan, MemberPlan } from '../../core/plan.ts';
import type { Driver, DriverLab, MemberState, MemberStatus } from '../driver.ts';
import { run, tryRun } from '../run.ts';
import { containerName, createWords, LAB_LABEL, MEMBER_LABEL, networkName } from './containers.ts';
import { ensureImage, removeImages } from './image.ts';

/** Engine's word → ours. */
const STATES: Readonly<Record<string, MemberState>> = {
  running: 'running',
  paused: 'paused',
  restarting: 'restarting',
};

/** Every member is a container of the host's engine, nodes with an engine of their own inside. */
export class DockerDriver implements Driver {
  readonly name = 'docker';

  async prepare({ plan }: DriverLab, tell: (line: string) => void): Promise<void> {
    await ensureImage(tell);
    const network = networkName(plan);
    if ((await tryRun(['docker', 'network', 'inspect', network])) !== undefined) return;
    await run(['docker', 'network', 'create', '--label', `${LAB_LABEL}=${plan.name}`, network]);
  }

  async start(lab: DriverLab, members: readonly MemberPlan[]): Promise<void> {
    const image = await ensureImage(() => undefined);
    const states = await this.status(lab);
    // In the order given, but without waiting for each: members find one another when they are up.
    await Promise.all(members.map((member) => this.#startOne(lab, member, image, states.get(member.name))));
  }

  async #startOne(
    { plan, folder }: DriverLab,
    member: MemberPlan,
    image: string,
    status: MemberStatus | undefined,
  ): Promise<void> {
    const container = containerName(plan, member);
    switch (status?.state) {
      case 'running':
      case 'restarting':
        return;
      case 'paused':
        await run(['docker', 'unpause', container]);
        return;
      case 'down':
        await run(['docker', 'start', container]);
        return;
      case undefined:
        await run(
          createWords(plan, member, image, { config: folder.config(member.name), images: folder.images }),
        );
        await run(['docker', 'start', container]);
    }
  }

  async stop({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    await run(['docker', 'stop', containerName(plan, member)]);
  }

  async kill(lab: DriverLab, member: MemberPlan): Promise<void> {
    const container = containerName(lab.plan, member);
    const state = (await this.status(lab)).get(member.name)?.state;
    // The engine kills only what runs; one that is being restarted is stopped, which ends its restarts.
    if (state === 'paused') await run(['docker', 'unpause', container]);
    if (state === 'running' || state === 'paused') await run(['docker', 'kill', container]);
    if (state === 'restarting') await run(['docker', 'stop', '--time', '0', container]);
  }

  async pause({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    await run(['docker', 'pause', containerName(plan, member)]);
  }

  async resume({ plan }: DriverLab, member: MemberPlan): Promise<void> {
    await run(['docker', 'unpause', containerName(plan, member)]);
  }

  async status({ plan }: DriverLab): Promise<ReadonlyMap<string, MemberStatus>> {
    const ids = (await listContainers(plan)).map(({ id }) => id);
    if (ids.length === 0) return new Map();
    const format = `{{index .Config.Labels "${MEMBER_LABEL}"}} {{.State.Status}} {{.State.Pid}} {{.Name}}`;
    const text = await run(['docker', 'inspect', '--format', format, ...ids]);
    const rows = text
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    return new Map(
      rows.map(([member = '', state = '', pid = '0', container = '']) => [
        member,
        {
          state: STATES[state] ?? 'down',
          ...(pid === '0' ? {} : { pid: Number(pid) }),
          container: container.replace(/^\//, ''),
        },
      ]),
    );
  }

  async stopAll(lab: DriverLab): Promise<void> {
    const states = await this.status(lab);
    const up = lab.plan.members
      .filter(({ name }) => (states.get(name)?.state ?? 'down') !== 'down')
      .toReversed();
    const paused = up.filter(({ name }) => states.get(name)?.state === 'paused');
    await Promise.all(paused.map((member) => this.resume(lab, member)));
    if (up.length > 0) await run(['docker', 'stop', ...up.map((member) => containerName(lab.plan, member))]);
  }

  logCommand({ plan }: DriverLab, member: MemberPlan, follow: boolean): Promise<readonly string[]> {
    return Promise.resolve([
      'docker',
      'logs',
      ...(follow ? ['--follow', '--tail', '100'] : []),
      containerName(plan, member),
    ]);
  }

  dockerCommand({ plan }: DriverLab, node: MemberPlan, args: readonly string[]): Promise<readonly string[]> {
    const terminal = process.stdin.isTTY ? ['-it'] : ['-i'];
    return Promise.resolve([
      'docker',
      'exec',
      ...terminal,
      containerName(plan, node),
      'docker',
      '-H',
      'unix:///run/docker.sock',
      ...args,
    ]);
  }

  async resolves({ plan }: DriverLab, node: MemberPlan, name: string): Promise<boolean> {
    const script = `const {Resolver}=require('dns').promises;const r=new Resolver({timeout:500,tries:1});
      const own=Object.values(require('os').networkInterfaces()).flat().find((a)=>!a.internal&&a.family==='IPv4');
      r.setServers([own.address]);r.resolve4('${name}').then(()=>process.exit(0),()=>process.exit(1))`;
    return (await tryRun(['docker', 'exec', containerName(plan, node), 'node', '-e', script])) !== undefined;
  }

  async destroy({ plan }: DriverLab, { images }: { readonly images: boolean }): Promise<void> {
    const containers = await listContainers(plan);
    if (containers.length > 0)
      await run(['docker', 'rm', '--force', '--volumes', ...containers.map(({ id }) => id)]);
    const volumes = plan.members.map((member) => `kubelab-${plan.name}-${member.name}`);
    await Promise.all(volumes.map((volume) => tryRun(['docker', 'volume', 'rm', volume])));
    await tryRun(['docker', 'network', 'rm', networkName(plan)]);
    if (images) await removeImages();
  }
}

async function listContainers(plan: LabPlan): Promise<{ readonly id: string }[]> {
  const text = await run(['docker', 'ps', '--all', '--quiet', '--filter', `label=${LAB_LABEL}=${plan.name}`]);
  return text
    .split('\n')
    .filter(Boolean)
    .map((id) => ({ id }));
}
