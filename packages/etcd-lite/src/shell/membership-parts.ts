import type { Clock, Logger } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { Raft } from 'raft-consensus';
import { EtcdError } from '../core/errors.ts';
import { type MemberChange, type Members } from '../core/members.ts';
import { REMOVED_TEXT } from '../transport/caller.ts';
import type { PeerServiceOptions } from '../transport/peer-service.ts';
import type { Lives, PeerTransport } from '../transport/peers.ts';
import type { ClusterDescription, InternalRequest } from '../wire.ts';
import { AutoPromotion } from './auto-promotion.ts';
import type { Cluster } from './cluster.ts';
import type { Founding } from './founding.ts';
import { Handover } from './handover.ts';
import { Joins } from './joins.ts';
import type { Leadership } from './leadership.ts';
import { MemberChanges } from './member-changes.ts';
import { Membership } from './membership.ts';

export interface MembershipOptions {
  readonly cluster: Cluster;
  readonly clientUrls: readonly string[];
  /** Where the others reach this member, as its flags say now; default: as `cluster` says, which may be older. */
  readonly peerUrls?: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  /** etcd's `--strict-reconfig-check`; default on. */
  readonly strictReconfig?: boolean;
  /** etcd's `--max-learners`; default 1. */
  readonly learnersMax?: number;
  /** The leader promotes every learner that keeps up; default: only those that were added for it. */
  readonly autoPromote?: boolean;
  /** This member belongs to the cluster no more, and is to stop. */
  readonly onRemoved?: () => void;
  readonly fatal: (msg: string, error: unknown) => void;
}

/** What membership needs of the member. */
export interface MembershipHost {
  readonly options: MembershipOptions;
  readonly founding: Founding;
  readonly raft: Raft;
  readonly leadership: Leadership;
  readonly members: () => Members;
  readonly peers: () => PeerTransport;
  readonly wake: () => void;
  readonly propose: (body: Omit<Init<InternalRequest>, 'proposer' | 'id' | 'term'>) => Promise<Init<object>>;
  readonly linearize: () => Promise<void>;
  /** What no leader has taken yet. */
  readonly proposeAgain: () => void;
}

/** etcd's, and as there on top of two election timeouts. */
const REQUEST_TIMEOUT_MS = 5000;
/** etcd's: others must hear of the removal before the connections end. */
const REMOVED_DELAY_MS = 1000;

/** All that a member has to do with who its cluster is. */
export class MembershipParts {
  readonly membership: Membership;
  readonly changes: MemberChanges;
  readonly handover: Handover;
  readonly learnersMax: number;
  readonly #host: MembershipHost;
  readonly #promotion: AutoPromotion;
  readonly #joins: Joins;
  #forgetStreams: (raftId: string) => void = () => undefined;

  constructor(host: MembershipHost) {
    this.#host = host;
    const { options, founding, raft, leadership, peers, wake } = host;
    const { clock, log, heartbeatMs, electionMs } = options;
    this.learnersMax = options.learnersMax ?? 1;
    const membership = new Membership({
      founding,
      members: host.members,
      onOthers: (others) => peers().setPeers(others),
      onRemoved: () => this.#leave(),
    });
    this.membership = membership;
    const onOver = (): void => host.proposeAgain();
    this.handover = new Handover({ raft, leadership, peers, clock, log, electionMs, wake, onOver });
    this.changes = new MemberChanges({
      ...{ membership, leadership, raft, peers, wake, clock, heartbeatMs },
      timeoutMs: REQUEST_TIMEOUT_MS + 2 * electionMs,
      isStrict: options.strictReconfig ?? true,
      handOver: () => this.handover.toHeir(),
    });
    const { changes, learnersMax } = this;
    const isForAll = options.autoPromote ?? false;
    this.#promotion = new AutoPromotion({
      ...{ clock, log, membership, raft, changes, isForAll },
      intervalMs: 2 * heartbeatMs,
    });
    this.#joins = new Joins({
      ...{ clock, log, membership, leadership, raft, changes, learnersMax },
      confirmLeadership: () => host.linearize(),
      isConnected: (raftId) => peers().activeSinceMs(raftId) !== undefined,
      forgetStreams: (raftId) => this.#forgetStreams(raftId),
    });
  }

  /** Its part of the peers' service. */
  get service(): Pick<
    PeerServiceOptions,
    | 'clusterId'
    | 'raftId'
    | 'describe'
    | 'join'
    | 'changeMembers'
    | 'isRemoved'
    | 'onStreams'
    | 'lives'
    | 'onForgotten'
    | 'onMet'
  > {
    const { membership, changes } = this;
    return {
      clusterId: String(membership.clusterId),
      raftId: membership.raftId,
      describe: () => this.describe(),
      join: (request) => this.#joins.join(request),
      changeMembers: async (change) => {
        if (!this.#host.leadership.isLeader) throw new EtcdError('notLeader');
        const members = await changes.change(JSON.parse(change) as MemberChange);
        return { members, index: this.#host.raft.status().commit };
      },
      isRemoved: (raftId) => membership.members.isRemoved(raftId),
      lives: this.lives,
      onForgotten: () => this.forgotten(),
      onMet: (raftId, urls) => membership.met(raftId, urls),
      onStreams: (forget) => {
        this.#forgetStreams = forget;
      },
    };
  }

  /** Whom the members take each other for. */
  get lives(): Lives {
    const { founding } = this.#host;
    return { own: founding.life ?? '', of: (raftId) => this.membership.members.get(raftId)?.life ?? '' };
  }

  /** CONF-8: the others know a member of this id that knew more. To go on would be to break what it promised. */
  forgotten(): void {
    const { fatal, cluster } = this.#host.options;
    const advice = new Error(
      'remove the data directory and start with --initial-cluster-state=existing and all members: ' +
        `${cluster.self.name} gets a new id`,
    );
    fatal('the other members know this one from an earlier life, whose data are lost', advice);
  }

  describe(): ClusterDescription {
    const { founding, raft, leadership } = this.#host;
    const { members, raftId, clusterId } = this.membership;
    const { lastIndex, term } = raft.status();
    return {
      ...{ clusterId, raftId, term },
      isFresh: founding.isFounder && lastIndex <= founding.first.index,
      leader: leadership.leader ?? '',
      members: members.all(),
      removedMembers: members.removed,
    };
  }

  leads(isLeader: boolean): void {
    if (isLeader) this.#promotion.lead();
    else this.#promotion.stop();
  }

  /**
   * Tells the others under which URLs clients reach this member. Again at each start: they may have changed.
   */
  async publishSelf(): Promise<void> {
    const { options, propose, founding } = this.#host;
    const { life = '' } = founding;
    const { cluster, clientUrls, log, clock, heartbeatMs } = options;
    const { raftId } = this.membership;
    const { name } = cluster.self;
    for (;;) {
      const known = this.membership.self;
      const isKnown = known?.name === name && (known.life !== '' || life === '');
      if (isKnown && known.clientUrls.join(',') === clientUrls.join(',')) return;
      try {
        await propose({ memberAttributes: { raftId, name, clientUrls: [...clientUrls], life } });
        // Whoever joins is told by its first answer that it belongs; before that, nobody may write down its name.
        if (this.membership.self !== undefined) return;
      } catch (err) {
        if (err instanceof EtcdError && err.reason === 'stopped') return;
        log.debug('publishing this member failed', { err });
        await clock.sleep(heartbeatMs);
      }
    }
  }

  stop(): void {
    this.changes.stop();
    this.#promotion.stop();
  }

  #leave(): void {
    const { clock, log, onRemoved } = this.#host.options;
    log.error(REMOVED_TEXT, {
      member: this.membership.raftId,
      advice: 'its data directory can be removed; to bring it back, add it as a new member',
    });
    // One that has only just been started has nobody to wait for.
    const hasTakenPart = this.#host.leadership.term > 0;
    clock.setTimer(hasTakenPart ? REMOVED_DELAY_MS : 0, () => onRemoved?.());
  }
}
