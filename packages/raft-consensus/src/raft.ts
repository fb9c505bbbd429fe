/** The public face of the core. (Signature first; the body follows.) */
import type { ConfChange } from './conf-change.ts';
import type { RaftOptions } from './config.ts';
import type { Message } from './messages.ts';
import type * as t from './types.ts';

export declare class Raft {
  constructor(options: RaftOptions, initial: t.InitialState, random: t.Random);
  /** One unit of logical time. */
  tick(): void;
  /** A message from another member. Messages for other nodes and stale ones are ignored. */
  step(message: Message): void;
  propose(data: Uint8Array): t.ProposalOutcome;
  proposeConfChange(change: ConfChange): t.ProposalOutcome;
  /** To be called for each committed `conf-change` entry, before `advance` of its Ready. */
  applyConfChange(change: ConfChange): t.ConfState;
  readIndex(context: t.ReadContext): t.ReadOutcome;
  /** Campaign now, without waiting for the election timeout. */
  campaign(): void;
  /** Asks the leader (from any member) to hand over to `to`; given up after an election timeout. */
  transferLeadership(to: t.NodeId): void;
  /** A follower whose leader is known to be gone (connection reset) stops waiting for it: it may grant (pre-)votes at once. */
  forgetLeader(): void;
  /** The last messages to `id` were probably lost: probe before streaming again. */
  reportUnreachable(id: t.NodeId): void;
  /** The snapshot for `id` has arrived there (`ok`), or not. */
  reportSnapshot(id: t.NodeId, ok: boolean): void;
  /** Drops log entries up to and including `index` (≤ applied): the application's own snapshot covers them. */
  compact(index: number): void;
  /** Cheap; true when `ready()` would return something. */
  hasReady(): boolean;
  ready(): t.Ready | undefined;
  /** This Ready's write is durable. Optional: `advance` implies it. */
  persisted(ready: t.Ready): void;
  /** This Ready is persisted, sent and applied. */
  advance(ready: t.Ready): void;
  status(): t.Status;
}
