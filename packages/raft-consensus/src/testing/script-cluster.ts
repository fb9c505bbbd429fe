/**
 * What the commands of the interaction scripts do. Nodes are numbered from 1; a range or list (`1,3`)
 * stands for several.
 *
 *   add-nodes 3 [learners=3] [election-ticks=3]   members that know each other from the start; any RaftConfig
 *                                 name in kebab-case is an option
 *   add-node 4 voters=1,2,3       one more, that knows who is there
 *   elect 1                       campaign and stabilize, showing only where it ends
 *   campaign 1 · propose 1 text
 *   propose-conf 1 +4 ~5 -2 [auto|joint-implicit|joint-explicit] · propose-conf 1 leave
 *   tick 1 [count]                election timeouts are fixed: election-ticks + number - 1
 *   take 1 · write 1 · apply 1    the three parts of a Ready's handling; `ready 1` does all three
 *   deliver 2 [from=1] [type=append] · drop 2 [from=…] [type=…] · stabilize [1,2]
 *   compact 1 index · send-snapshot 1 to=3 · report-snapshot 1 of=3 ok|lost · report-unreachable 1 of=2
 *   transfer-leadership 1 to=2 · forget-leader 2 · read-index 1 context
 *   crash 1 · restart 1 · status 1 · raft-state · raft-log 1
 */
import {
  type ConfChange,
  type ConfChangeStep,
  type ConfTransition,
  confOf,
  leaveJoint,
  type Message,
  type RaftConfig,
} from '../index.ts';
import { describeConf, describeEntries, describeMessage, describeReady } from './describe.ts';
import { Member } from './member.ts';

const PASSES_MAX = 100;

interface Arguments {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

export class ScriptCluster {
  readonly #members = new Map<string, Member>();
  #wire: Message[] = [];
  #settings: Partial<RaftConfig> = {};

  /** The trace of one command. Errors are part of it. */
  run(line: string): string[] {
    const [name = '', ...rest] = line.split(' ').filter((word) => word !== '');
    const words = rest.filter((word) => !word.includes('='));
    const options = new Map(rest.filter((word) => word.includes('=')).map((word) => pair(word)));
    try {
      return this.#command(name, { words, options });
    } catch (error) {
      return [String(error)];
    }
  }

  #command(name: string, args: Arguments): string[] {
    const { words, options } = args;
    switch (name) {
      case 'add-nodes':
        return this.#addNodes(Number(words[0]), options);
      case 'add-node':
        return this.#addNode(words[0] ?? '', list(options.get('voters')), list(options.get('learners')));
      case 'deliver':
        return this.#deliver(this.#member(args), options, 'deliver');
      case 'drop':
        return this.#deliver(this.#member(args), options, 'drop');
      case 'stabilize':
        return this.#stabilize(words[0] === undefined ? [...this.#members.keys()] : list(words[0]));
      case 'elect':
        this.#member(args).raft.campaign();
        this.#stabilize([...this.#members.keys()]);
        return this.#command('raft-state', args);
      case 'raft-state':
        return [...this.#members.values()].map((member) => stateOf(member));
      default:
        return this.#memberCommand(name, this.#member(args), args);
    }
  }

  #memberCommand(name: string, member: Member, { words, options }: Arguments): string[] {
    const { raft } = member;
    const to = options.get('to') ?? '';
    const of = options.get('of') ?? '';
    switch (name) {
      case 'campaign':
        return done(raft.campaign());
      case 'propose':
        return [raft.propose(new TextEncoder().encode(words.slice(1).join(' ')))];
      case 'propose-conf':
        return [raft.proposeConfChange(parseChange(words.slice(1)))];
      case 'tick':
        for (let i = 0; i < Number(words[1] ?? 1); i++) raft.tick();
        return [];
      case 'take':
        return this.#take(member);
      case 'write':
        return done(this.#wire.push(...member.persist()));
      case 'apply':
        return done(member.apply());
      case 'ready':
        return this.#ready(member);
      case 'compact':
        member.compact(Number(words[1]));
        return [`log begins at ${raft.status().firstIndex}`];
      case 'send-snapshot':
        return this.#sendSnapshot(member, to);
      case 'report-snapshot':
        return done(raft.reportSnapshot(of, words[1] === 'ok'));
      case 'report-unreachable':
        return done(raft.reportUnreachable(of));
      case 'transfer-leadership':
        return done(raft.transferLeadership(to));
      case 'forget-leader':
        return done(raft.forgetLeader());
      case 'read-index':
        return [raft.readIndex(words[1] ?? '')];
      case 'crash':
        return done(member.crash());
      case 'restart':
        return done(member.restart());
      case 'status':
        return statusOf(member);
      case 'raft-log':
        return [describeEntries(member.storedEntries)];
      default:
        throw new Error(`unknown command ${name}`);
    }
  }

  #addNodes(count: number, options: ReadonlyMap<string, string>): string[] {
    const ids = Array.from({ length: count }, (_, i) => String(i + 1));
    const learners = list(options.get('learners'));
    this.#settings = settingsOf(options);
    const voters = ids.filter((id) => !learners.includes(id));
    for (const id of ids) this.#addNode(id, voters, learners);
    return [describeConf(confOf(voters, learners))];
  }

  #addNode(id: string, voters: readonly string[], learners: readonly string[]): string[] {
    const random = { int: () => Number(id) - 1 };
    const options = {
      raft: { id, electionTicks: 10, ...this.#settings },
      conf: confOf(voters, learners),
      random,
    };
    this.#members.set(id, new Member(options));
    return [];
  }

  #take(member: Member): string[] {
    const taken = member.isUp ? member.take() : undefined;
    if (taken === undefined) return ['nothing'];
    this.#wire.push(...taken.messages);
    return describeReady(taken.ready);
  }

  #ready(member: Member): string[] {
    const lines = this.#take(member);
    while (member.hasUnwritten()) this.#wire.push(...member.persist());
    while (member.hasUnapplied()) member.apply();
    return lines;
  }

  #deliver(to: Member, options: ReadonlyMap<string, string>, how: 'deliver' | 'drop'): string[] {
    const from = options.get('from');
    const type = options.get('type');
    const isMeant = (message: Message): boolean =>
      message.to === to.id &&
      (from === undefined || message.from === from) &&
      (type === undefined || message.type === type);
    const meant = this.#wire.filter(isMeant);
    this.#wire = this.#wire.filter((message) => !isMeant(message));
    return meant.map((message) => {
      if (how === 'deliver' && to.isUp) to.raft.step(message);
      return `${how === 'drop' || !to.isUp ? 'lost ' : ''}${describeMessage(message)}`;
    });
  }

  /** Handles Readies and delivers messages among the given members until nothing is left to do. */
  #stabilize(ids: readonly string[]): string[] {
    const lines: string[] = [];
    const among = ids.map((id) => this.#find(id));
    for (let pass = 0; pass < PASSES_MAX; pass++) {
      const before = lines.length;
      for (const member of among) {
        while (member.isUp && member.raft.hasReady()) {
          lines.push(`${member.id}:`, ...this.#ready(member).map((line) => `  ${line}`));
        }
      }
      for (const member of among) {
        for (const from of ids) lines.push(...this.#deliver(member, new Map([['from', from]]), 'deliver'));
      }
      if (lines.length === before) return lines;
    }
    return [...lines, `still busy after ${PASSES_MAX} passes`];
  }

  #sendSnapshot(member: Member, to: string): string[] {
    const { term } = member.raft.status();
    const message: Message = { type: 'snapshot', from: member.id, to, term, snapshot: member.snapshot() };
    this.#wire.push(message);
    return [describeMessage(message)];
  }

  #member({ words }: Arguments): Member {
    return this.#find(words[0] ?? '');
  }

  #find(id: string): Member {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }
}

function done(_result: unknown): string[] {
  return [];
}

function pair(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}

function list(text: string | undefined): string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

function settingsOf(options: ReadonlyMap<string, string>): Partial<RaftConfig> {
  const camel = (name: string): string =>
    name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const settings = [...options].filter(([name]) => name !== 'learners');
  return Object.fromEntries(settings.map(([name, value]) => [camel(name), valueOf(value)]));
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

const STEP_TYPES: Readonly<Record<string, ConfChangeStep['type']>> = {
  '+': 'add-voter',
  '~': 'add-learner',
  '-': 'remove',
};

function parseChange(words: readonly string[]): ConfChange {
  if (words[0] === 'leave') return leaveJoint;
  const steps: ConfChangeStep[] = [];
  let transition: ConfTransition = 'auto';
  for (const word of words) {
    const type = STEP_TYPES[word[0] ?? ''];
    if (type === undefined) transition = word as ConfTransition;
    else steps.push({ type, node: word.slice(1) });
  }
  return { transition, steps, context: '' };
}

function stateOf(member: Member): string {
  if (!member.isUp) return `${member.id}: down`;
  const { role, term, leader, commit, applied, lastIndex } = member.raft.status();
  const marks = `last=${lastIndex} commit=${commit} applied=${applied}`;
  return `${member.id}: ${role} term=${term} leader=${leader ?? '-'} ${marks}`;
}

function statusOf(member: Member): string[] {
  const { progress, conf, leadTransferee } = member.raft.status();
  const members = Object.entries(progress).map(([id, each]) => {
    const words = [`${id}: ${each.state} match=${each.match} next=${each.next}`];
    if (each.isLearner) words.push('learner');
    if (each.isPaused) words.push('paused');
    if (each.pendingSnapshot > 0) words.push(`snapshot=${each.pendingSnapshot}`);
    if (each.inflightMessages > 0) words.push(`inflight=${each.inflightMessages}`);
    return `  ${words.join(' ')}`;
  });
  const transfer = leadTransferee === undefined ? [] : [`transferring to ${leadTransferee}`];
  return [stateOf(member), describeConf(conf), ...transfer, ...members];
}
