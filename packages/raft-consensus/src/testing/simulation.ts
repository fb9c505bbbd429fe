/**
 * A cluster in a bad network, played from a seed: loss, duplication, reordering, delay, partitions, crashes
 * that forget what was not written and may tear what was being written, compaction, snapshots, reads,
 * transfers, membership changes. Every event is followed by the invariants. Then the network heals, and the
 * cluster must agree and go on.
 */
import { assert } from '../assert.ts';
import { type ConfChangeStep, confChange, confOf, isJoint, leaveJoint, type Message } from '../index.ts';
import { describeChange, describeMessage } from './describe.ts';
import { Invariants } from './invariants.ts';
import { Member } from './member.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

const MEMBERS = ['1', '2', '3', '4', '5'];
const WIRE_MESSAGES_MAX = 200;
const TRACE_LINES = 60;

export interface SimulationResult {
  readonly appliedCount: number;
  readonly termMax: number;
  readonly trace: readonly string[];
}

export class Simulation {
  readonly #random: SeededRandom;
  readonly #members: Member[];
  readonly #invariants = new Invariants();
  readonly trace: string[] = [];
  #wire: Message[] = [];
  /** Members with the same number hear each other. */
  #side = new Map<string, number>();
  #isHealed = false;
  readonly #lossRate: number;
  readonly #faultRate: number;
  #proposals = 0;
  #reads = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const random = this.#random;
    this.#lossRate = random.float() * 0.2;
    this.#faultRate = random.float() * 0.02;
    const voters = random.chance(0.3) ? MEMBERS : MEMBERS.slice(0, 3);
    const common = {
      electionTicks: 5,
      preVote: random.chance(0.7),
      checkQuorum: random.chance(0.7),
      messageBytesMax: random.chance(0.5) ? 12 : 1024,
      inflightBytesMax: 1024,
      inflightMessagesMax: 1 + random.int(4),
      committedBytesMax: random.chance(0.5) ? 10 : 1024,
      uncommittedBytesMax: 60,
    };
    this.#members = MEMBERS.map(
      (id) => new Member({ raft: { id, ...common }, conf: confOf(voters), random }),
    );
  }

  run(eventCount: number): SimulationResult {
    for (let i = 0; i < eventCount; i++) this.#event();
    this.#heal();
    return {
      appliedCount: this.#invariants.appliedMax,
      termMax: Math.max(...this.#members.map((member) => member.raft.status().term)),
      trace: this.trace,
    };
  }

  #event(): void {
    const random = this.#random;
    const member = random.pick(this.#members);
    if (member === undefined) return;
    const dice = random.float();
    if (!member.isUp) {
      if (dice < 0.05) this.#restart(member);
      return;
    }
    if (dice < 0.04) this.#note(member, 'tick', () => member.raft.tick());
    else if (dice < 0.5) this.#deliver();
    else if (dice < 0.66) this.#take(member);
    else if (dice < 0.78) this.#persist(member);
    else if (dice < 0.88) this.#apply(member);
    else if (dice < 0.98) this.#request(member);
    else if (dice < 0.98 + this.#faultRate) this.#fault(member);
  }

  #fault(member: Member): void {
    const dice = this.#random.float();
    if (dice < 0.25) this.#crash(member);
    else if (dice < 0.5) this.#partition();
    else if (dice < 0.75) this.#compact(member);
    else this.#mischief(member);
  }

  /** What clients and operators ask for. */
  #request(member: Member): void {
    const random = this.#random;
    const { raft } = member;
    const dice = random.float();
    if (dice < 0.6) {
      const text = `p${++this.#proposals}`;
      return this.#note(member, `propose ${text}`, () => raft.propose(new TextEncoder().encode(text)));
    }
    if (dice < 0.9) {
      const context = `r${++this.#reads}`;
      this.#invariants.readAsked(context);
      return this.#note(member, `read ${context}`, () => raft.readIndex(context));
    }
    if (dice < 0.93) {
      const to = random.pick(MEMBERS) ?? '1';
      return this.#note(member, `transfer to ${to}`, () => raft.transferLeadership(to));
    }
    const change = isJoint(member.conf) && random.chance(0.7) ? leaveJoint : this.#confChange();
    this.#note(member, `conf change ${describeChange(change)}`, () => raft.proposeConfChange(change));
  }

  #confChange(): ReturnType<typeof confChange> {
    const random = this.#random;
    const types: ConfChangeStep['type'][] = ['add-voter', 'add-voter', 'add-learner', 'remove'];
    const steps = Array.from({ length: 1 + random.int(2) }, () => ({
      type: random.pick(types) ?? 'add-voter',
      node: random.pick(MEMBERS) ?? '1',
    }));
    const transition = random.pick(['auto', 'auto', 'joint-implicit', 'joint-explicit'] as const) ?? 'auto';
    return { ...confChange(steps), transition };
  }

  /** What a driver may say at any time without being right. */
  #mischief(member: Member): void {
    const { raft } = member;
    const other = this.#random.pick(MEMBERS) ?? '1';
    const dice = this.#random.int(4);
    if (dice === 0) this.#note(member, 'campaign', () => raft.campaign());
    else if (dice === 1) this.#note(member, 'forget leader', () => raft.forgetLeader());
    else if (dice === 2) this.#note(member, `unreachable ${other}`, () => raft.reportUnreachable(other));
    else this.#note(member, `snapshot lost to ${other}`, () => raft.reportSnapshot(other, false));
  }

  #deliver(): void {
    const random = this.#random;
    const at = random.int(this.#wire.length);
    const message = this.#wire[at];
    if (message === undefined) return;
    const isRepeated = !this.#isHealed && random.chance(0.05);
    if (!isRepeated) {
      this.#wire[at] = this.#wire.at(-1) ?? message;
      this.#wire.pop();
    }
    const to = this.#members.find((member) => member.id === message.to);
    const from = this.#members.find((member) => member.id === message.from);
    const isLost =
      !this.#isHealed &&
      (random.chance(this.#lossRate) || this.#side.get(message.to) !== this.#side.get(message.from));
    const ok = !isLost && to?.isUp === true;
    if (to !== undefined && ok) this.#note(to, describeMessage(message), () => to.raft.step(message));
    if (message.type === 'snapshot' && from?.isUp === true) {
      this.#note(from, `snapshot ${ok ? 'sent' : 'lost'}`, () => from.raft.reportSnapshot(message.to, ok));
    }
  }

  #send(messages: readonly Message[]): void {
    this.#wire.push(...messages);
    while (this.#wire.length > WIRE_MESSAGES_MAX) this.#wire.splice(this.#random.int(this.#wire.length), 1);
  }

  #take(member: Member): void {
    const taken = member.take();
    if (taken === undefined) return;
    this.#invariants.checkTaken(member, taken.ready);
    this.#send(taken.messages);
    this.#checked(member);
  }

  #persist(member: Member): void {
    this.#send(member.persist());
    this.#checked(member);
  }

  #apply(member: Member): void {
    member.apply();
    this.#invariants.checkApplied(member);
    this.#invariants.checkReads(member);
    this.#checked(member);
  }

  #compact(member: Member): void {
    if (member.applied === 0) return;
    const index = 1 + this.#random.int(member.applied);
    this.#note(member, `compact ${index}`, () => member.compact(index));
  }

  #crash(member: Member): void {
    this.#say(`${member.id}: crash`);
    member.crash(this.#random.int(3));
  }

  #restart(member: Member): void {
    this.#say(`${member.id}: restart`);
    member.restart();
    this.#invariants.restarted(member);
  }

  #partition(): void {
    const sides = Math.max(0, this.#random.int(4) - 1); // half of the time the network is whole again
    this.#side = new Map(MEMBERS.map((id) => [id, this.#random.int(sides + 1)]));
    this.#say(`partition ${MEMBERS.map((id) => this.#side.get(id)).join('')}`);
  }

  /** Liveness: in a healthy network all members end with the same history, and new proposals pass. */
  #heal(): void {
    this.#say('heal');
    this.#isHealed = true;
    for (const member of this.#members) if (!member.isUp) this.#restart(member);
    const target = this.#invariants.appliedMax;
    for (let round = 0; round < 600; round++) {
      for (const member of this.#members) this.#note(member, 'tick', () => member.raft.tick());
      this.#settle();
      const leader = this.#members.find((member) => member.raft.status().role === 'leader');
      if (leader === undefined || leader.applied < target) continue;
      if (round % 10 === 0) leader.raft.propose(new TextEncoder().encode(`last${round}`));
      if (leader.applied > target + 1 && this.#isAgreed(leader)) return;
    }
    assert(false, 'RAFT-17', `no agreement after healing: ${this.#members.map((m) => m.applied).join(' ')}`);
  }

  #isAgreed(leader: Member): boolean {
    const { voters, learners } = leader.conf;
    const takesPart = (member: Member): boolean => voters.includes(member.id) || learners.includes(member.id);
    return this.#members.filter(takesPart).every((member) => member.applied === leader.applied);
  }

  #settle(): void {
    for (let pass = 0; pass < 20; pass++) {
      for (const member of this.#members) {
        this.#take(member);
        while (member.hasUnwritten()) this.#persist(member);
        while (member.hasUnapplied()) this.#apply(member);
      }
      if (this.#wire.length === 0) return;
      for (let i = this.#wire.length; i > 0; i--) this.#deliver();
    }
  }

  #note(member: Member, what: string, act: () => unknown): void {
    this.#say(`${member.id}: ${what}`);
    act();
    this.#checked(member);
  }

  #checked(member: Member): void {
    this.#invariants.check(member);
  }

  #say(line: string): void {
    this.trace.push(line);
    if (this.trace.length > TRACE_LINES) this.trace.shift();
  }
}
