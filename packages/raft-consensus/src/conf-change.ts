/**
 * Membership arithmetic (Raft §6, thesis §4): which configuration follows from which. Pure; the core
 * decides when. A change of at most one voter is made in one step; anything more passes through a joint
 * configuration.
 */
import { assert } from './assert.ts';
import type { ConfState, NodeId } from './types.ts';

export interface ConfChangeStep {
  /** `add-voter` also promotes a learner; `add-learner` also demotes a voter. */
  readonly type: 'add-voter' | 'add-learner' | 'remove';
  readonly node: NodeId;
}

/**
 * `auto`: joint only where needed, and left by itself. `joint-implicit`: joint in any case, left by itself.
 * `joint-explicit`: joint in any case, and left when the application proposes `leaveJoint`.
 */
export type ConfTransition = 'auto' | 'joint-implicit' | 'joint-explicit';

/** The content of a `conf-change` entry. No steps = leave the joint configuration. */
export interface ConfChange {
  readonly transition: ConfTransition;
  readonly steps: readonly ConfChangeStep[];
  /** The application's own words about the change (a member's name and addresses, say). */
  readonly context: string;
}

export const leaveJoint: ConfChange = { transition: 'auto', steps: [], context: '' };

export function confChange(steps: readonly ConfChangeStep[], context = ''): ConfChange {
  return { transition: 'auto', steps, context };
}

/** JSON in UTF-8: configuration changes are rare, and readable in the log. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(change));
}

/** Throws `ConfChangeError` when `data` is no configuration change: it may have come from another member. */
export function decodeConfChange(data: Uint8Array): ConfChange {
  try {
    const change = JSON.parse(new TextDecoder().decode(data)) as ConfChange;
    if (Array.isArray(change.steps)) return change;
  } catch (error) {
    throw new ConfChangeError('not a configuration change', { cause: error });
  }
  throw new ConfChangeError('not a configuration change');
}

export function isJoint(conf: ConfState): boolean {
  return conf.votersOutgoing.length > 0;
}

export function isVoter(conf: ConfState, node: NodeId): boolean {
  return conf.voters.includes(node) || conf.votersOutgoing.includes(node);
}

export function isLearner(conf: ConfState, node: NodeId): boolean {
  return conf.learners.includes(node);
}

/** Everyone the leader replicates to. */
export function membersOf(conf: ConfState): NodeId[] {
  return [...new Set([...conf.voters, ...conf.votersOutgoing, ...conf.learners, ...conf.learnersNext])];
}

/** Why a change cannot be applied to a configuration. */
export class ConfChangeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfChangeError';
  }
}

/** The configuration after `change`. Throws `ConfChangeError` when it does not fit: nothing is half done. */
export function nextConf(conf: ConfState, change: ConfChange): ConfState {
  checkConf(conf);
  const next = change.steps.length === 0 ? left(conf) : entered(conf, change);
  checkConf(next);
  return next;
}

function entered(conf: ConfState, change: ConfChange): ConfState {
  if (isJoint(conf)) throw new ConfChangeError('a joint configuration must be left before the next change');
  const voters = new Set(conf.voters);
  const learners = new Set(conf.learners);
  for (const step of change.steps) {
    voters.delete(step.node);
    learners.delete(step.node);
    if (step.type === 'add-voter') voters.add(step.node);
    if (step.type === 'add-learner') learners.add(step.node);
  }
  if (voters.size === 0) throw new ConfChangeError('a configuration needs at least one voter');

  const isSimple = change.transition === 'auto' && votersChanged(conf.voters, voters) <= 1;
  if (isSimple) {
    return {
      voters: [...voters],
      learners: [...learners],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    };
  }
  // A node cannot be voter and learner at once: a demoted voter stays an outgoing voter until the joint
  // configuration is left, and only then becomes a learner.
  const outgoing = new Set(conf.voters);
  return {
    voters: [...voters],
    learners: [...learners].filter((node) => !outgoing.has(node)),
    votersOutgoing: [...outgoing],
    learnersNext: [...learners].filter((node) => outgoing.has(node)),
    autoLeave: change.transition !== 'joint-explicit',
  };
}

function left(conf: ConfState): ConfState {
  if (!isJoint(conf)) throw new ConfChangeError('there is no joint configuration to leave');
  return {
    voters: conf.voters,
    learners: [...conf.learners, ...conf.learnersNext],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}

function votersChanged(before: readonly NodeId[], after: ReadonlySet<NodeId>): number {
  const kept = before.filter((node) => after.has(node)).length;
  return before.length - kept + (after.size - kept);
}

/** RAFT-14: voters and learners are disjoint, and only a joint configuration has outgoing parts. */
export function checkConf(conf: ConfState): void {
  for (const learner of conf.learners) {
    assert(!isVoter(conf, learner), 'RAFT-14', `${learner} is voter and learner`);
  }
  for (const learner of conf.learnersNext) {
    assert(conf.votersOutgoing.includes(learner), 'RAFT-14', `${learner} is no outgoing voter`);
  }
  assert(isJoint(conf) || conf.learnersNext.length === 0, 'RAFT-14', 'learnersNext without votersOutgoing');
  assert(isJoint(conf) || !conf.autoLeave, 'RAFT-14', 'autoLeave without votersOutgoing');
}
