import type { Random } from '@kubelab/component-base';
import type { MemberRecord } from '@kubelab/etcd-lite';
import { isRefusal } from './clients/call.ts';
import type { SimNode } from './world/sim-node.ts';
import type { Timeline } from './world/timeline.ts';

export interface OperatorWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  /** All machines there are, whether they belong to the cluster or not. */
  readonly nodes: readonly SimNode[];
  /** There was only one at first. */
  readonly isAlone: boolean;
  readonly onAct: (node: SimNode | undefined, note: string) => void;
}

/** After this, what the operator asked for and got no answer to will not begin any more. */
const DOUBT_MS = 8000;
const RETRY_MS = 200;
const VOTERS_MIN = 2;

/**
 * Whoever adds, promotes, removes and replaces members: one change at a time, and none after which the members
 * that have their data would not be a quorum. An operator who did that would have lost the cluster.
 */
export class Operator {
  readonly #world: OperatorWorld;
  /** A change is under way, or may be, until then. */
  #busyUntilMs = 0;
  /** The first flags do not say any more where all are. */
  #hasMoved = false;
  #moveCount = 0;
  #known: readonly MemberRecord[] = [];

  constructor(world: OperatorWorld) {
    this.#world = world;
  }

  /** The members as the one knows them who has applied most. */
  members(): readonly MemberRecord[] {
    const running = this.#world.nodes.flatMap((node) => node.running ?? []);
    const furthest = running.toSorted((a, b) => b.member.applied - a.member.applied)[0];
    if (furthest !== undefined) this.#known = furthest.member.membership.members.all();
    return this.#known;
  }

  /** The machines that belong to the cluster. */
  machines(): SimNode[] {
    const urls = new Set(this.members().flatMap(({ peerUrls }) => peerUrls));
    return this.#world.nodes.filter((node) => node.urls.some((url) => urls.has(url)));
  }

  /** Would the others still be a quorum, with their data, if this machine lost its own? */
  canLose(machine: SimNode): boolean {
    // Of a change that only the lost one knows to be done, nobody would ever learn.
    if (this.#isBusy() || !this.#isAgreed()) return false;
    const { whole, voters } = this.#voters();
    const left = whole.filter((node) => node !== machine);
    return voters.length > 2 && 2 * left.length > voters.length && whole.length === voters.length;
  }

  /** All voters are up, and know the same members. */
  #isAgreed(): boolean {
    const { whole } = this.#voters();
    const views = whole.map(({ running }) =>
      running?.member.membership.members
        .all()
        .map(({ raftId, isLearner }) => `${raftId} ${isLearner}`)
        .join(),
    );
    return new Set(views).size === 1 && views[0] !== undefined;
  }

  /** Voters that have their data are enough to decide anything. */
  hasQuorum(): boolean {
    const { whole, voters } = this.#voters();
    return 2 * whole.length > voters.length;
  }

  /** A machine gets an empty disk, and starts again: with the flags it always had, or as one that joins. */
  wipe(machine: SimNode): void {
    machine.wipe();
    // A first member that was alone could not tell that others have joined it since.
    if (this.#world.isAlone || this.#hasMoved || this.#world.random.float() < 0.5) this.#joins(machine);
    this.#rejoin(machine);
  }

  grow(): void {
    const { random, nodes, onAct } = this.#world;
    const machine = nodes.find((node) => node.isOut && !node.isUp);
    const { whole, voters } = this.#voters();
    if (machine === undefined || this.#isBusy() || 2 * whole.length <= voters.length + 1) return;
    const isLearner = random.float() < 0.7;
    const autoPromote = isLearner && random.float() < 0.5;
    onAct(machine, `is added${isLearner ? ' as a learner' : ''}${autoPromote ? ', to be promoted' : ''}`);
    this.#change(({ cluster }) =>
      cluster.add({ peerURLs: [machine.url], isLearner, autoPromote, replaces: 0 }),
    );
    this.#join(machine);
  }

  /** A machine is gone for good, and another takes its place. */
  replace(crash: (node: SimNode) => void): void {
    const { random, nodes, onAct } = this.#world;
    const machine = nodes.find((node) => node.isOut && !node.isUp);
    const candidates = this.machines().filter((node) => this.canLose(node));
    const lost = candidates[random.int(candidates.length)];
    if (machine === undefined || lost === undefined) return;
    crash(lost);
    onAct(machine, `replaces ${lost.name}`);
    this.#discard(lost);
    const replaces = Number.parseInt(lost.id, 16);
    this.#change(({ cluster }) =>
      cluster.add({ peerURLs: [machine.url], isLearner: true, autoPromote: true, replaces }),
    );
    this.#join(machine);
  }

  shrink(): void {
    const { random, onAct } = this.#world;
    const members = this.members();
    const { whole, voters } = this.#voters();
    const chosen = members[random.int(members.length)];
    if (chosen === undefined || this.#isBusy()) return;
    const machine = this.#machineOf(chosen);
    const left = whole.filter((node) => node !== machine).length;
    const isSafe = voters.length > VOTERS_MIN && 2 * left > voters.length - 1;
    if (!chosen.isLearner && !isSafe) return;
    onAct(machine, 'is removed');
    this.#change(({ cluster }) => cluster.remove({ ID: Number.parseInt(chosen.raftId, 16) }));
  }

  /**
   * A machine gets another address. It is reached at both until the cluster has been told, and it starts again, or has
   * refused: where nobody knows, for good.
   */
  move(restart: (node: SimNode) => void): void {
    const { random, onAct } = this.#world;
    const { whole, voters } = this.#voters();
    const machine = whole[random.int(whole.length)];
    const chosen = this.members().find(({ raftId }) => raftId === machine?.id);
    // Whoever begins without data still asks where its flags say.
    if (machine === undefined || chosen === undefined || this.#isBusy() || whole.length < voters.length)
      return;
    const before = machine.urls;
    const next = `http://${machine.name}:${2381 + this.#moveCount++}`;
    machine.urls = [...before, next];
    this.#hasMoved = true;
    onAct(machine, `moves to ${next}`);
    const ID = Number.parseInt(chosen.raftId, 16);
    this.#change(
      ({ cluster }) => cluster.update({ ID, peerURLs: [next] }),
      (isDone) => {
        machine.urls = isDone ? [next] : before;
        if (!isDone) return;
        if (random.float() < 0.5) this.#joins(machine);
        restart(machine);
      },
    );
  }

  promote(): void {
    const { random, onAct } = this.#world;
    const learners = this.members().filter(({ isLearner }) => isLearner);
    const chosen = learners[random.int(learners.length)];
    if (chosen === undefined || this.#isBusy()) return;
    onAct(this.#machineOf(chosen), 'is promoted');
    this.#change(({ cluster }) => cluster.promote({ ID: Number.parseInt(chosen.raftId, 16) }));
  }

  /** After misfortune: damaged machines begin anew, learners become voters. */
  tend(): void {
    this.#busyUntilMs = 0;
    const retired = this.#world.nodes.find((node) => node.isRetired && !node.isOut);
    if (retired !== undefined && this.hasQuorum()) this.wipe(retired);
    this.promote();
  }

  #discard(node: SimNode): void {
    node.isOut = true;
    node.wipe();
  }

  #isBusy(): boolean {
    return this.#world.timeline.nowMs < this.#busyUntilMs;
  }

  #machineOf({ peerUrls }: MemberRecord): SimNode | undefined {
    return this.#world.nodes.find(({ urls }) => urls.some((url) => peerUrls.includes(url)));
  }

  #voters(): { readonly voters: readonly MemberRecord[]; readonly whole: readonly SimNode[] } {
    const voters = this.members().filter(({ isLearner }) => !isLearner);
    const whole = voters.flatMap((voter) => {
      const machine = this.#machineOf(voter);
      const isWhole = machine?.hasData === true && !machine.isOut && !machine.isDamaged;
      return isWhole && machine.id === voter.raftId ? [machine] : [];
    });
    return { voters, whole };
  }

  /**
   * Asks any member. Without an answer nobody knows for a while whether it will still be done, and `onAnswer` is not
   * called.
   */
  #change(
    ask: (running: NonNullable<SimNode['running']>) => Promise<unknown>,
    onAnswer: (isDone: boolean) => void = () => undefined,
  ): void {
    const { timeline, random, nodes, onAct } = this.#world;
    const able = nodes.filter(({ running }) => running?.member.membership.isLearner === false);
    const node = able[random.int(able.length)];
    if (node === undefined) return onAnswer(false);
    const since = timeline.nowMs + DOUBT_MS;
    this.#busyUntilMs = since;
    const answered = (note: string, outcome: 'done' | 'refused' | 'unknown'): void => {
      timeline.at(0.3, undefined, { event: 'operator', note }, () => {
        onAct(node, `answers the operator: ${note}`);
        if (outcome === 'unknown' || this.#busyUntilMs !== since) return;
        this.#busyUntilMs = 0;
        onAnswer(outcome === 'done');
      });
    };
    timeline.at(0.3, node.life, { event: 'operator', note: 'asks' }, () => {
      if (node.running === undefined) return answered('not up', 'refused');
      ask(node.running).then(
        () => answered('done', 'done'),
        (err: unknown) => {
          const outcome = isRefusal(err) ? 'refused' : 'unknown';
          answered(err instanceof Error ? err.message : String(err), outcome);
        },
      );
    });
  }

  /** A machine whose member was added, or may have been, starts with the flags that this takes. */
  #join(machine: SimNode): void {
    machine.wipe();
    machine.urls = [machine.url];
    this.#joins(machine);
    machine.isOut = false;
    this.#rejoin(machine);
  }

  #rejoin(machine: SimNode): void {
    const { timeline, random } = this.#world;
    timeline.at(RETRY_MS * random.float(), undefined, { event: 'restart', note: machine.name }, () => {
      this.start(machine);
    });
  }

  /** Unless it is up, or is not to come up. */
  start(machine: SimNode): void {
    if (machine.isUp || machine.isOut || machine.isRetired) return;
    if (!machine.hasData && (this.#hasMoved || !machine.isFounding)) this.#joins(machine);
    machine.start();
  }

  /** Its flags name the members there are, and itself. */
  #joins(machine: SimNode): void {
    const cluster = this.members().flatMap((member) => {
      const { name = member.raftId } = this.#machineOf(member) ?? {};
      return member.peerUrls.map((url) => `${name}=${url}`);
    });
    const isNamed = cluster.some((part) => part.startsWith(`${machine.name}=`));
    machine.joins(isNamed ? cluster : [...cluster, `${machine.name}=${machine.url}`]);
  }
}
