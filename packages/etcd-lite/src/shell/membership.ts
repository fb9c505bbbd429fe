import { memberIdOf, type MemberRecord, type Members } from '../core/members.ts';
import type { PeerUrls } from '../transport/peers.ts';
import type { Founding } from './founding.ts';

export interface MembershipOptions {
  readonly founding: Pick<Founding, 'clusterId' | 'raftId'>;
  /** Replicated state, replaced by every snapshot. */
  readonly members: () => Members;
  /** The others were added, removed or moved. */
  readonly onOthers: (others: PeerUrls) => void;
  /** This member was removed: the end. */
  readonly onRemoved: () => void;
}

/** More than any cluster has: beyond it, whoever was met first is forgotten, so that strangers fill no memory. */
const MET_MAX = 64;

/** The cluster as this member knows it now, and which of its members it is. */
export class Membership {
  readonly clusterId: number;
  /** This member's id, as Raft and the logs have it. */
  readonly raftId: string;
  /** The same as etcd's API has it. */
  readonly id: number;
  readonly #options: MembershipOptions;
  /** Where others say that they can be answered, whatever the log has told this member of them so far. */
  readonly #met = new Map<string, readonly string[]>();
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

  /** Where they may be, without this member. */
  others(): Map<string, string[]> {
    const others = new Map(this.members.all().map(({ raftId, peerUrls }) => [raftId, [...peerUrls]]));
    for (const [raftId, urls] of this.#met) {
      if (this.members.isRemoved(raftId)) continue;
      others.set(raftId, [...new Set([...(others.get(raftId) ?? []), ...urls])]);
    }
    others.delete(this.raftId);
    return others;
  }

  /**
   * Another member speaks to this one, and says where it can be answered. A leader that was added, or has moved, after
   * what this member has applied could otherwise never bring it any further, and nobody one that was started at another
   * address before the cluster was told (etcd answers on the stream that it was called on).
   */
  met(raftId: string, urls: readonly string[]): void {
    if (raftId === this.raftId) return;
    const known = this.others().get(raftId) ?? [];
    if (urls.every((url) => known.includes(url))) return;
    const [oldest = ''] = this.#met.keys();
    if (this.#met.size >= MET_MAX && !this.#met.has(raftId)) this.#met.delete(oldest);
    this.#met.set(raftId, urls);
    this.changed();
  }

  /** Where this member can be answered: by its flags, or as the cluster was told since they were written. */
  urlsOfSelf(flagged: readonly string[]): string[] {
    return [...new Set([...flagged, ...(this.self?.peerUrls ?? [])])];
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
