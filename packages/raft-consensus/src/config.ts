/** The core's settings, each with its reason. Times are in ticks: the driver decides how long a tick is. */
import type { NodeId } from './types.ts';

export interface RaftConfig {
  readonly id: NodeId;
  /**
   * Ticks without a leader's word before a follower campaigns; the real number is drawn anew from [n, 2n)
   * each time so that votes rarely split. Also the leader's lease: within it a follower that hears its
   * leader refuses to vote.
   */
  readonly electionTicks: number;
  /** Ticks between heartbeats; well below electionTicks, or one lost heartbeat is an election. */
  readonly heartbeatTicks: number;
  /**
   * Ask before raising the term, so that a node that was cut off does not depose a working leader on
   * return. Default true.
   */
  readonly preVote: boolean;
  /**
   * A leader that has not heard from a majority for electionTicks steps down; voters refuse within the
   * lease. Default true.
   */
  readonly checkQuorum: boolean;
  /**
   * `safe`: a read waits for one heartbeat round. `lease`: it trusts the lease, which is only right while
   * no member's clock runs much faster than another's; needs checkQuorum. Default safe.
   */
  readonly readOnly: 'safe' | 'lease';
  /** Followers pass proposals on to the leader. Off: `propose` answers `not-leader`. Default true. */
  readonly forwardProposals: boolean;
  /** Bytes of entries in one append message (at least one entry travels whatever its size). Default 1 MiB. */
  readonly messageBytesMax: number;
  /**
   * Bytes of entries handed to the state machine by one Ready, so that applying does not starve heartbeats.
   * Default 4 MiB.
   */
  readonly committedBytesMax: number;
  /**
   * Append messages on their way to one follower; fills the pipe without flooding a slow one. Default 256.
   */
  readonly inflightMessagesMax: number;
  /**
   * Bytes of entries on their way to one follower; bounds the memory a dead follower can hold. Default 64
   * MiB.
   */
  readonly inflightBytesMax: number;
  /** Bytes of the leader's uncommitted tail; bounds memory while there is no quorum. Default 256 MiB. */
  readonly uncommittedBytesMax: number;
  /** Bytes of one proposal. Default 4 MiB. */
  readonly entryBytesMax: number;
  /** Reads waiting for an index on this node. Default 65 536. */
  readonly readsPendingMax: number;
}

const MiB = 1024 * 1024;

export const defaultConfig: Omit<RaftConfig, 'id'> = {
  electionTicks: 10,
  heartbeatTicks: 1,
  preVote: true,
  checkQuorum: true,
  readOnly: 'safe',
  forwardProposals: true,
  messageBytesMax: 1 * MiB,
  committedBytesMax: 4 * MiB,
  inflightMessagesMax: 256,
  inflightBytesMax: 64 * MiB,
  uncommittedBytesMax: 256 * MiB,
  entryBytesMax: 4 * MiB,
  readsPendingMax: 65_536,
};

/** The id is all one must say. */
export type RaftOptions = Pick<RaftConfig, 'id'> & Partial<Omit<RaftConfig, 'id'>>;

/** Fills in the defaults. Throws `RangeError` naming the setting that cannot work. */
export function raftConfig(options: RaftOptions): RaftConfig {
  const config: RaftConfig = { ...defaultConfig, ...options };
  if (config.id === '') throw new RangeError('id must not be empty');
  const positive = [
    'heartbeatTicks',
    'electionTicks',
    'messageBytesMax',
    'committedBytesMax',
    'inflightMessagesMax',
    'inflightBytesMax',
    'uncommittedBytesMax',
    'entryBytesMax',
    'readsPendingMax',
  ] as const;
  for (const name of positive) {
    if (!Number.isSafeInteger(config[name]) || config[name] <= 0) {
      throw new RangeError(`${name} must be a positive integer, got ${config[name]}`);
    }
  }
  if (config.electionTicks <= config.heartbeatTicks) {
    throw new RangeError('electionTicks must be greater than heartbeatTicks');
  }
  if (config.inflightBytesMax < config.messageBytesMax) {
    throw new RangeError('inflightBytesMax must not be less than messageBytesMax');
  }
  if (config.readOnly === 'lease' && !config.checkQuorum) {
    throw new RangeError(
      'readOnly lease needs checkQuorum: without it a leader does not know when its lease ends',
    );
  }
  return config;
}
