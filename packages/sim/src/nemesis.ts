import type { Random } from '@kubelab/component-base';
import type { Operator } from './operator.ts';
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
  readonly operator: Operator;
  readonly onFault: (node: SimNode | undefined, note: string) => void;
  readonly onCrashed: (node: SimNode) => void;
  /** No client reaches it any more, for a while. */
  readonly onHidden: (node: SimNode) => void;
}

/** So much more often than any write is one struck that begins at the very end of a sector. */
const SPLIT_FACTOR = 30;

/** Brings misfortune, as often and of such kinds as the settings say, until it is told to stop. */
export class Nemesis {
  readonly #world: NemesisWorld;
  #isOver = false;

  constructor(world: NemesisWorld) {
    this.#world = world;
    const { settings, nodes, network, random } = world;
    const { lossRate, duplicationRate, delayRate, stallRate } = settings;
    Object.assign(network.mood, { lossRate, duplicationRate, delayRate, stallRate });
    for (const node of nodes) {
      node.disk.mood.onOperation = (_operation, splits) => {
        // Where formats are torn apart: one write in 64.
        const rate = settings.crashAtIoRate * (splits ? SPLIT_FACTOR : 1);
        if (!this.#isOver && random.float() < rate) this.#crashSoon(node);
      };
    }
    this.#next();
  }

  /** From now on nothing goes wrong any more, and all machines run. */
  heal(): void {
    this.#isOver = true;
    const { network, nodes, operator } = this.#world;
    network.mood.blocked.clear();
    network.mood.hidden.clear();
    Object.assign(network.mood, { lossRate: 0, duplicationRate: 0, delayRate: 0, stallRate: 0 });
    for (const node of nodes) {
      Object.assign(node.disk.mood, { isFull: false, failsSync: false, slowness: 1 });
      node.life.pausedUntilMs = 0;
      operator.start(node);
    }
  }

  crash(node: SimNode, note: string): void {
    const { random, onFault, onCrashed, operator, settings } = this.#world;
    if (!node.isUp) return;
    const mayFlip = !this.#isOver && settings.faults.includes('bit-flip') && operator.canLose(node);
    const tearing = (['all-lost', 'some-lost', 'first-lost', 'none-lost'] as const)[random.int(4)] as Tearing;
    onFault(node, `${note}, ${tearing}`);
    node.crash(tearing);
    if (mayFlip && random.float() < 0.7) {
      const path = node.disk.flipBit();
      node.isDamaged = path !== undefined;
      onFault(node, `bit flipped in ${path}`);
    }
    onCrashed(node);
    // One that is not admitted will not be at once.
    if (this.#isOver) return this.#restart(node, node.hasData ? 0 : 300);
    this.#restart(node, 10 + random.int(random.float() < 0.2 ? 1500 : 300));
  }

  #restart(node: SimNode, delayMs: number): void {
    this.#world.timeline.at(delayMs, undefined, { event: 'restart', note: node.name }, () => {
      this.#world.operator.start(node);
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
    const { nodes, random, timeline, onFault, operator } = this.#world;
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
      case 'stop':
        return this.#stop(node);
      case 'move-leader':
        return this.#moveLeader();
      case 'hidden':
        return this.#hide(node);
      case 'wipe':
        return this.#wipe(node);
      case 'grow':
        return operator.grow();
      case 'shrink':
        return operator.shrink();
      case 'promote':
        return operator.promote();
      case 'move':
        return operator.move((node) => this.crash(node, 'has moved'));
      case 'replace':
        return operator.replace((lost) => this.crash(lost, 'is gone'));
      // These have their own moments.
      case 'crash-at-io':
      case 'bit-flip':
        return;
    }
  }

  /** A process ends in good order. */
  #stop(node: SimNode): void {
    const { timeline, onFault, onCrashed } = this.#world;
    if (node.running === undefined) return;
    const { life } = node;
    onFault(node, 'is stopped');
    timeline.at(0, life, { event: 'stop' }, () => {
      if (this.#isOver) return;
      const ended = (): void => {
        if (node.isUp && node.life === life) node.crash('none-lost');
        onCrashed(node);
        this.#restart(node, 50);
      };
      node.stop().then(ended, ended);
    });
  }

  #moveLeader(): void {
    const { nodes, random, timeline, onFault, operator } = this.#world;
    const leader = nodes.find(({ running }) => running?.member.leadership.isLeader === true);
    const members = operator.members();
    const target = members[random.int(members.length)];
    if (leader === undefined || target === undefined) return;
    onFault(leader, `is to pass leadership on to ${target.name}`);
    timeline.at(0, leader.life, { event: 'move-leader' }, () => {
      const targetID = Number.parseInt(target.raftId, 16);
      // Whether it can be done is the others' business.
      leader.running?.maintenance.moveLeader({ targetID }).catch(() => undefined);
    });
  }

  #hide(node: SimNode): void {
    const { network, timeline, random, onFault, onHidden } = this.#world;
    const { hidden } = network.mood;
    hidden.add(node.name);
    onFault(node, 'is reached by no client');
    onHidden(node);
    timeline.at(
      random.int(1500),
      undefined,
      { event: 'partition-ends' },
      () => void hidden.delete(node.name),
    );
  }

  /** A disk is replaced by an empty one; first that of a machine that must not come back with its own. */
  #wipe(chosen: SimNode): void {
    const { nodes, onFault, operator, random } = this.#world;
    const retired = nodes.find((node) => node.isRetired && !node.isOut);
    const node = retired ?? chosen;
    if (retired === undefined && !operator.canLose(node)) return;
    this.crash(node, 'crash');
    onFault(node, 'has a new disk');
    operator.wipe(node);
    // Whoever is asked how things are may just have started too.
    if (random.float() < 0.3) for (const other of nodes) this.crash(other, 'crash with it');
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
      .flatMap(({ name }) => [`${name}>${leader.name}`, `${leader.name}>${name}`]);
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
    const sides = new Map(nodes.map(({ name }) => [name, random.int(2)]));
    const cut: string[] = [];
    for (const a of nodes) {
      for (const b of nodes) {
        const isCut = isWhole ? sides.get(a.name) !== sides.get(b.name) : random.float() < 0.3;
        if (a === b || !isCut) continue;
        blocked.add(`${a.name}>${b.name}`);
        cut.push(`${a.name}→${b.name}`);
      }
    }
    onFault(undefined, `cut ${cut.join(' ')}`);
    timeline.at(50 + random.int(1500), undefined, { event: 'partition-ends' }, () => {
      blocked.clear();
    });
  }
}
