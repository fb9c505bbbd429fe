import { realClock } from '@kubelab/component-base';
import { CLIENTS, type ProxiedNetwork } from './network.ts';
import type { Trial } from './trial.ts';

/** How many of the members die together; of ten kills. */
const TOGETHER = [1, 1, 1, 1, 1, 1, 1, 2, 2, 3];
const LOAD_MS = 350;
const DOWN_MS = 300;

/** Kills members as a power cut would, `count` times, and starts them again. Returns how often each died. */
export async function killOften(
  trial: Trial,
  count: number,
  onKill: (done: number) => void = () => undefined,
): Promise<Map<string, number>> {
  const { random, cluster, names } = trial;
  const deaths = new Map(names.map((name) => [name, 0]));
  let done = 0;
  while (done < count) {
    await realClock.sleep(random.int(LOAD_MS));
    const together = Math.min(TOGETHER[random.int(TOGETHER.length)] ?? 1, count - done);
    const victims = names.toSorted(() => random.float() - 0.5).slice(0, together);
    await Promise.all(victims.map((name) => cluster.end(name, 'SIGKILL')));
    for (const name of victims) deaths.set(name, (deaths.get(name) ?? 0) + 1);
    done += together;
    await realClock.sleep(random.int(DOWN_MS));
    for (const name of victims) cluster.startMember(name);
    // Mostly they are up when the next blow falls, sometimes still reading their logs.
    if (random.float() < 0.8) for (const name of victims) await trial.answers(name);
    onKill(done);
  }
  return deaths;
}

/** Longer than the others wait before they elect somebody else. */
const PAUSE_MS = { min: 1500, more: 1000 };
const RELIEF_MS = 500;

/** Stops processes in their tracks, the leader every other time, and lets them go on as if nothing had happened. */
export async function pauseOften(trial: Trial, count: number): Promise<void> {
  const { random, cluster, names } = trial;
  for (let i = 0; i < count; i++) {
    const name = i % 2 === 0 ? await cluster.leader() : (names[random.int(names.length)] ?? '');
    cluster.signal(name, 'SIGSTOP');
    await realClock.sleep(PAUSE_MS.min + random.int(PAUSE_MS.more));
    cluster.signal(name, 'SIGCONT');
    await realClock.sleep(random.int(RELIEF_MS));
  }
}

/** One way in which a network fails: sets moods, given the leader and the others. */
interface Trouble {
  readonly name: string;
  set(network: ProxiedNetwork, leader: string, others: readonly string[]): void;
}

const BLACKHOLE = { type: 'blackhole' } as const;
const DROP = { type: 'drop' } as const;
const SLOW = { type: 'delay', delayMs: 150 } as const;

export const TROUBLES: readonly Trouble[] = [
  {
    name: 'the leader is alone, but clients reach it',
    set: (network, leader, others) => {
      for (const other of others) network.setBoth(leader, other, BLACKHOLE);
    },
  },
  {
    name: 'the leader is not heard, and hears',
    set: (network, leader, others) => {
      for (const other of others) network.set(leader, other, BLACKHOLE);
    },
  },
  {
    name: 'the leader is heard, and hears nobody',
    set: (network, leader, others) => {
      for (const other of others) network.set(other, leader, BLACKHOLE);
    },
  },
  {
    name: 'the leader reaches one follower only, which alone reaches the other',
    set: (network, leader, [, far = '']) => network.setBoth(leader, far, BLACKHOLE),
  },
  {
    name: 'connections of a follower break',
    set: (network, leader, [near = '', far = '']) => {
      network.setBoth(leader, near, DROP);
      network.setBoth(far, near, DROP);
    },
  },
  {
    name: 'everything is slow',
    set: (network, leader, others) => {
      for (const a of [leader, ...others]) for (const b of [leader, ...others]) network.set(a, b, SLOW);
    },
  },
  {
    name: 'clients do not reach the leader',
    set: (network, leader) => network.setBoth(CLIENTS, leader, BLACKHOLE),
  },
  {
    name: 'clients are not answered by a follower',
    set: (network, _, [near = '']) => network.set(near, CLIENTS, BLACKHOLE),
  },
  {
    name: 'nobody reaches anybody',
    set: (network, leader, others) => {
      for (const a of [leader, ...others])
        for (const b of [leader, ...others]) if (a !== b) network.set(a, b, BLACKHOLE);
    },
  },
];

/** Each trouble once, for longer than an election takes, with the network whole in between. */
export async function troubleNetwork(trial: Trial, troubles: readonly Trouble[] = TROUBLES): Promise<void> {
  const { random, cluster, network, names } = trial;
  for (const trouble of troubles) {
    const leader = await cluster.leader();
    const others = names.filter((name) => name !== leader).toSorted(() => random.float() - 0.5);
    trouble.set(network, leader, others);
    await realClock.sleep(PAUSE_MS.min + random.int(PAUSE_MS.more));
    network.heal();
    await realClock.sleep(random.int(RELIEF_MS));
  }
}
