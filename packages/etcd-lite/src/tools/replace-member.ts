import { readFile } from 'node:fs/promises';
import { must, realClock, silentLogger, UsageError } from '@kubelab/component-base';
import { type ClientTls, RpcError } from '@kubelab/rpc';
import { EtcdClient } from '@kubelab/rpc/client';
import type { Member, MemberAddResponse } from '@kubelab/rpc/etcd';
import { toolArguments } from './arguments.ts';

const USAGE = {
  usage: 'replace-member --endpoints … --name OLD --new-name NEW --peer-urls … [options]',
  summary: `Replaces a member that is dead. In one step of the cluster it is removed, and the new one is added as a learner:
that costs the cluster no vote that it still has. The leader makes it a voter as soon as it keeps up.`,
  flags: {
    endpoints: { type: 'list', default: ['127.0.0.1:2379'], description: 'of members that live' },
    name: { type: 'string', description: 'name of the dead member' },
    id: { type: 'string', description: 'or its id, as etcdctl member list shows it' },
    'new-name': { type: 'string', description: 'name of the new member; default: that of the old one' },
    'peer-urls': {
      type: 'list',
      description: 'where the others reach the new member; default: as the old one',
    },
    'client-urls': { type: 'list', description: 'where clients reach it; default: as the old one' },
    wait: {
      type: 'duration',
      default: 300_000,
      description: 'for the new member to become a voter; 0: do not',
    },
    cacert: { type: 'string', description: 'CA of the members’ certificates' },
    cert: { type: 'string', description: 'certificate to show' },
    key: { type: 'string', description: 'its key' },
    user: { type: 'string', description: 'name:password' },
  },
} as const;

const ALIVE_TIMEOUT_MS = 2000;
/** Connections must have lasted for some seconds before members may change. */
const ADD_TIMEOUT_MS = 30_000;
const RETRY_MS = 500;

export async function replaceMember(argv: readonly string[]): Promise<void> {
  const given = toolArguments(USAGE, argv);
  if (given === undefined) return;
  const { flags, words } = given;
  if (words.length > 0) throw new UsageError(`unexpected argument "${words[0]}"`);
  if ((flags.name === undefined) === (flags.id === undefined))
    throw new UsageError('one of --name and --id says which member');
  const tls = await tlsFrom(flags.cacert, flags.cert, flags.key);
  // Passwords may have colons in them, names not.
  const [name = '', password = ''] = /^([^:]*):?(.*)$/s.exec(flags.user ?? '')?.slice(1) ?? [];
  const clientOf = (endpoints: readonly string[]): EtcdClient =>
    new EtcdClient({
      endpoints,
      log: silentLogger,
      clock: realClock,
      ...(tls !== undefined && { tls }),
      ...(name !== '' && { user: { name, password } }),
    });
  const scheme = tls === undefined ? 'http' : 'https';
  const client = clientOf(
    flags.endpoints.map((each) => (each.includes('://') ? each : `${scheme}://${each}`)),
  );
  try {
    const old = oldMember((await client.memberList()).members, flags.name, flags.id);
    await requireDead(clientOf, old);
    const peerURLs = flags['peer-urls'] ?? old.peerURLs;
    const added = await add(client, old, peerURLs);
    const newName = flags['new-name'] ?? old.name;
    const { ID } = must(added.member, 'the new member');
    const clientUrls = flags['client-urls'] ?? old.clientURLs;
    say(
      `member ${hex(old.ID)} (${old.name}) is removed; ${hex(ID)} (${newName}) is added as a learner. Start it with:\n`,
    );
    say(startCommand(newName, peerURLs, clientUrls, added.members));
    if (flags.wait > 0) await untilVoter(client, ID, flags.wait);
  } finally {
    client.close();
  }
}

function oldMember(members: readonly Member[], name: string | undefined, id: string | undefined): Member {
  const found = members.filter((member) => (id === undefined ? member.name === name : hex(member.ID) === id));
  const [old] = found;
  if (old === undefined) throw new Error(`there is no member ${name ?? id}`);
  if (found.length > 1) throw new Error(`several members are named ${name}: say which by --id`);
  return old;
}

/** Who still answers may have votes and writes to give: it is to be stopped first. */
async function requireDead(
  clientOf: (endpoints: readonly string[]) => EtcdClient,
  { name, clientURLs }: Member,
): Promise<void> {
  for (const url of clientURLs) {
    const client = clientOf([url]);
    const isAlive = await client.status(url, { timeoutMs: ALIVE_TIMEOUT_MS }).then(
      () => true,
      () => false,
    );
    client.close();
    if (isAlive) throw new Error(`${name} answers at ${url}: stop it first`);
  }
}

async function add(client: EtcdClient, old: Member, peerURLs: readonly string[]): Promise<MemberAddResponse> {
  const untilMs = realClock.monotonic() + ADD_TIMEOUT_MS;
  for (;;) {
    try {
      return await client.memberAdd({
        peerURLs: [...peerURLs],
        isLearner: true,
        autoPromote: true,
        replaces: old.ID,
      });
    } catch (error) {
      const mayPass = error instanceof RpcError && /unhealthy cluster|too many learner/.test(error.details);
      if (!mayPass || realClock.monotonic() > untilMs) throw error;
      await realClock.sleep(RETRY_MS);
    }
  }
}

function startCommand(
  name: string,
  peerUrls: readonly string[],
  clientUrls: readonly string[],
  members: readonly Member[],
): string {
  const isNew = (member: Member): boolean => member.peerURLs.join() === peerUrls.join();
  const cluster = members.flatMap((member) =>
    member.peerURLs.map((url) => `${isNew(member) ? name : member.name}=${url}`),
  );
  const words = [
    'kubelab etcd-lite',
    `--name=${name}`,
    `--data-dir=${name}.etcd`,
    `--listen-peer-urls=${peerUrls.join(',')}`,
    `--initial-advertise-peer-urls=${peerUrls.join(',')}`,
    `--listen-client-urls=${clientUrls.join(',')}`,
    `--advertise-client-urls=${clientUrls.join(',')}`,
    `--initial-cluster=${cluster.join(',')}`,
    '--initial-cluster-state=existing',
  ];
  return `${words.join(' \\\n  ')}\n`;
}

async function untilVoter(client: EtcdClient, id: Member['ID'], waitMs: number): Promise<void> {
  say('\nwaiting until it votes …');
  const untilMs = realClock.monotonic() + waitMs;
  while (realClock.monotonic() < untilMs) {
    const { members } = await client.memberList();
    const added = members.find(({ ID }) => ID === id);
    if (added === undefined) throw new Error(`member ${hex(id)} was removed meanwhile`);
    if (!added.isLearner) return say(`${added.name} votes: the cluster is whole again`);
    await realClock.sleep(RETRY_MS);
  }
  throw new Error(
    'the new member is no voter yet; it becomes one by itself when it has started and keeps up',
  );
}

async function tlsFrom(ca?: string, cert?: string, key?: string): Promise<ClientTls | undefined> {
  if (ca === undefined) return undefined;
  if (cert === undefined || key === undefined) return { ca: await readFile(ca) };
  return { ca: await readFile(ca), cert: await readFile(cert), key: await readFile(key) };
}

function hex(id: Member['ID']): string {
  return id.toString(16);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
