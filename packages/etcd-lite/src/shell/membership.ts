import { memberIdOf, type MemberRecord, type Members } from '../core/members.ts';
import type { Founding } from './founding.ts';

export interface MembershipOptions {
  readonly founding: Pick<Founding, 'clusterId' | 'raftId'>;
  /** Replicated state, replaced by every snapshot. */
  readonly members: () => Members;
  /** The others were added, removed or moved: Raft id → peer URL. */
  readonly onOthers: (others: ReadonlyMap<string, string>) => void;
  /** This member was removed: the end. */
  readonly onRemoved: () => void;
}

/** The cluster as this member knows it now, and which of its members it is. */
export class Membership {
  readonly clusterId: number;
  /** This member's id, as Raft and the logs have it. */
  readonly raftId: string;
  /** The same as etcd's API has it. */
  readonly id: number;
  readonly #options: MembershipOptions;
  /** Who speaks as a member and is none yet, as far as this one has come in the log. */
  readonly #met = new Map<string, string>();
  #isRemoved = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.clusterId = options.founding.clusterId;
    this.raftId = options.founding.raftId;
    this.id = memberIdOf(this.raftId);
  }

  get members(): Members {
    return this.#options.members();
  }
  get self(): MemberRecord | undefined {
    return this.members.get(this.raftId);
  }
  get isLearner(): boolean {
    return this.self?.isLearner === true;
  }
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** Raft id → peer URL, without this member. */
  others(): Map<string, string> {
    const others = new Map([...this.#met].filter(([raftId]) => !this.members.isRemoved(raftId)));
    for (const { raftId, peerUrls } of this.members.all()) others.set(raftId, peerUrls[0] ?? '');
    others.delete(this.raftId);
    return others;
  }

  /**
   * Another member speaks to this one, and says where it can be answered. A leader that was added after what this
   * member has applied could otherwise never bring it any further.
   */
  met(raftId: string, url: string): void {
    if (url === '' || this.members.get(raftId) !== undefined || this.#met.get(raftId) === url) return;
    this.#met.set(raftId, url);
    this.changed();
  }

  /** 0: none known. */
  idOf(raftId: string | undefined): number {
    return raftId === undefined ? 0 : memberIdOf(raftId);
  }

  /** To be called whenever the members may have changed. */
  changed(): void {
    if (this.members.isRemoved(this.raftId)) this.removed();
    else this.#options.onOthers(this.others());
  }

  /** By the log, or by the word of another member. */
  removed(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#options.onRemoved();
  }
}
