import type { Random } from '@kubelab/component-base';
import type { Fault, Settings } from './settings.ts';
import type { Tearing } from './world/inode.ts';
import type { SimNetwork } from './world/sim-network.ts';
import type { SimNode } from './world/sim-node.ts';
import type { Timeline } from './world/timeline.ts';

export interface NemesisWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly settings: Settings;
  readonly nodes: readonly SimNode[];
  readonly network: SimNetwork;
  readonly onFault: (node: SimNode | undefined, note: string) => void;
  readonly onCrashed: (node: SimNode) => void;
}

/** Brings misfortune, as often and of such kinds as the settings say, until it is told to stop. */
export class Nemesis {
  readonly #world: NemesisWorld;
  #isOver = false;
  /** The one machine whose disk loses bits; whether it already has. */
  readonly #fragile: SimNode | undefined;
  #hasFlipped = false;

  constructor(world: NemesisWorld) {
    this.#world = world;
    const { settings, nodes, network, random } = world;
    const { lossRate, duplicationRate, delayRate } = settings;
    Object.assign(network.mood, { lossRate, duplicationRate, delayRate });
    this.#fragile = settings.faults.includes('bit-flip') ? nodes[random.int(nodes.length)] : undefined;
    for (const node of nodes) {
      node.disk.mood.onOperation = () => {
        if (!this.#isOver && random.float() < settings.crashAtIoRate) this.#crashSoon(node);
      };
    }
    this.#next();
  }

  isDamaged(node: SimNode): boolean {
    return this.#hasFlipped && node === this.#fragile;
  }

  /** From now on nothing goes wrong any more, and all machines run. */
  heal(): void {
    this.#isOver = true;
    const { network, nodes } = this.#world;
    network.mood.blocked.clear();
    Object.assign(network.mood, { lossRate: 0, duplicationRate: 0, delayRate: 0 });
    for (const node of nodes) {
      Object.assign(node.disk.mood, { isFull: false, failsSync: false, slowness: 1 });
      node.life.pausedUntilMs = 0;
      if (!node.isUp && !node.isRetired) node.start();
    }
  }

  crash(node: SimNode, note: string): void {
    const { random, onFault, onCrashed } = this.#world;
    if (!node.isUp) return;
    const tearing = (['all-lost', 'some-lost', 'some-lost', 'none-lost'] as const)[random.int(4)] as Tearing;
    onFault(node, `${note}, ${tearing}`);
    node.crash(tearing);
    if (node === this.#fragile && !this.#hasFlipped && random.float() < 0.3) {
      const path = node.disk.flipBit();
      this.#hasFlipped = path !== undefined;
      onFault(node, `bit flipped in ${path}`);
    }
    onCrashed(node);
    if (this.#isOver) return this.#restart(node, 0);
    this.#restart(node, 10 + random.int(random.float() < 0.2 ? 1500 : 300));
  }

  #restart(node: SimNode, delayMs: number): void {
    this.#world.timeline.at(delayMs, undefined, { event: 'restart', note: node.name }, () => {
      if (!node.isUp && !node.isRetired) node.start();
    });
  }

  /** At an I/O: before it is done, or right after. */
  #crashSoon(node: SimNode): void {
    const { timeline, random } = this.#world;
    const { life } = node;
    timeline.at(random.float() < 0.5 ? 0 : random.float(), life, { event: 'crash-at-io' }, () => {
      if (!this.#isOver) this.crash(node, 'crash at I/O');
    });
  }

  #next(): void {
    const { timeline, random, settings } = this.#world;
    if (settings.faults.length === 0) return;
    const delayMs = settings.faultIntervalMs * 2 * random.float();
    timeline.at(delayMs, undefined, { event: 'nemesis' }, () => {
      if (this.#isOver) return;
      const fault = settings.faults[random.int(settings.faults.length)];
      if (fault !== undefined) this.#strike(fault);
      this.#next();
    });
  }

  #strike(fault: Fault): void {
    const { nodes, random, timeline, onFault } = this.#world;
    const up = nodes.filter(({ isUp }) => isUp);
    const node = up[random.int(up.length)];
    if (node === undefined) return;
    const { mood } = node.disk;
    switch (fault) {
      case 'crash':
        return this.crash(node, 'crash');
      case 'power-loss':
        if (random.float() < 0.2) for (const each of up) this.crash(each, 'power loss');
        return;
      case 'partition':
        return this.#partition();
      case 'lonely-leader':
        return this.#isolateLeader();
      case 'pause':
        node.life.pausedUntilMs = timeline.nowMs + 20 + random.int(2000);
        return onFault(node, `paused until ${node.life.pausedUntilMs.toFixed(3)}`);
      case 'slow-disk':
        mood.slowness = 10 ** (1 + 2 * random.float());
        timeline.at(random.int(1000), undefined, { event: 'disk-recovers' }, () => {
          mood.slowness = 1;
        });
        return onFault(node, `disk ${mood.slowness.toFixed(0)} times slower`);
      case 'failed-sync':
        mood.failsSync = true;
        return onFault(node, 'the next sync fails');
      case 'full-disk':
        mood.isFull = true;
        return onFault(node, 'the disk is full');
      // These have their own moments.
      case 'crash-at-io':
      case 'bit-flip':
        return;
    }
  }

  /** A leader stops, others go on without it, and it comes back before anybody can tell it. */
  #isolateLeader(): void {
    const { nodes, random, timeline, network, settings, onFault } = this.#world;
    const leader = nodes.find(({ running }) => running?.member.leadership.isLeader === true);
    if (leader === undefined) return;
    leader.life.pausedUntilMs = timeline.nowMs + settings.electionMs * (2 + 2 * random.float());
    const { blocked } = network.mood;
    const cut = nodes
      .filter((node) => node !== leader)
      .flatMap(({ id }) => [`${id}>${leader.id}`, `${leader.id}>${id}`]);
    for (const way of cut) blocked.add(way);
    const aloneMs = leader.life.pausedUntilMs - timeline.nowMs + random.int(200);
    timeline.at(aloneMs, undefined, { event: 'partition-ends' }, () => {
      for (const way of cut) blocked.delete(way);
    });
    onFault(leader, `cut off, paused until ${leader.life.pausedUntilMs.toFixed(3)}`);
  }

  /** Each direction by itself. */
  #partition(): void {
    const { nodes, random, timeline, network, onFault } = this.#world;
    const { blocked } = network.mood;
    const isWhole = random.float() < 0.3;
    const sides = new Map(nodes.map(({ id }) => [id, random.int(2)]));
    const cut: string[] = [];
    for (const a of nodes) {
      for (const b of nodes) {
        const isCut = isWhole ? sides.get(a.id) !== sides.get(b.id) : random.float() < 0.3;
        if (a === b || !isCut) continue;
        blocked.add(`${a.id}>${b.id}`);
        cut.push(`${a.name}→${b.name}`);
      }
    }
    onFault(undefined, `cut ${cut.join(' ')}`);
    timeline.at(50 + random.int(1500), undefined, { event: 'partition-ends' }, () => {
      blocked.clear();
    });
  }
}
