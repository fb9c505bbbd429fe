import { assert, type Random } from '@kubelab/component-base';
import type { ClientTls, Init } from '@kubelab/rpc';
import { type Entry, type Message, Raft, type SnapshotMetadata, type SoftState } from 'raft-consensus';
import { AuthGate, authOptions, type AuthOptions } from '../auth/index.ts';
import { StateMachine } from '../core/state-machine.ts';
import { WatchHub } from '../core/watch-hub.ts';
import { Mailbag } from '../transport/mailbag.ts';
import type { PeerServiceOptions } from '../transport/peer-service.ts';
import { Peers, type PeersOptions, type PeerTransport } from '../transport/peers.ts';
import { type InternalRequest, internalRequestCodec } from '../wire.ts';
import type { Wal } from '../wal/wal.ts';
import type { Anticipation } from './anticipation.ts';
import type { Checkpointer } from './checkpointer.ts';
import { MemberCounts } from './counts.ts';
import { Leadership } from './leadership.ts';
import { LogKeeper } from './log-keeper.ts';
import { LeaseExpiry } from './lease-expiry.ts';
import type { Membership } from './membership.ts';
import { type MembershipOptions, MembershipParts } from './membership-parts.ts';
import { Proposals } from './proposals.ts';
import { RaftNode } from './raft-node.ts';
import { LinearizableReads } from './reads.ts';
import { type Started, startUp, type StartUpOptions } from './start-up.ts';
import { Sweeper } from './sweeper.ts';
import { DEFAULT_TUNING, type Tuning } from './tuning.ts';

export interface MemberOptions extends StartUpOptions, MembershipOptions {
  readonly peerTls: ClientTls | undefined;
  /** Applied entries between two checkpoints. */
  readonly snapshotCount: number;
  readonly quotaBytes: number;
  readonly tuning?: Partial<Tuning>;
  /** Default: simple tokens, as etcd's. */
  readonly auth?: AuthOptions;
  readonly random: Random;
  readonly anticipation?: Anticipation;
  /** How members reach each other; default: gRPC. */
  readonly makePeers?: (options: PeersOptions) => PeerTransport;
}

const REQUEST_TIMEOUT_MS = 5000;

/** One member: its state, its part in Raft, and what waits for either. Services talk to this, and nothing below. */
export class Member {
  readonly options: MemberOptions;
  readonly tuning: Tuning;
  readonly counts: MemberCounts;
  readonly machine: StateMachine;
  readonly watches: WatchHub;
  readonly leases: LeaseExpiry;
  readonly auth: AuthGate;
  readonly leadership: Leadership;
  readonly raft: Raft;
  readonly cluster: MembershipParts;
  readonly #peers: PeerTransport;
  readonly #mailbag: Mailbag;
  readonly #node: RaftNode;
  readonly #proposals: Proposals;
  readonly #reads: LinearizableReads;
  readonly #wal: Wal;
  readonly #sweeper: Sweeper;
  readonly #checkpointer: Checkpointer;
  readonly #logKeeper: LogKeeper;
  #appliedTerm: number;
  #applied: number;
  /** The last entry of the log that was found at the start. */
  readonly foundTo: number;

  static async start(options: MemberOptions): Promise<Member> {
    const started = await startUp(options);
    return new Member(options, started);
  }

  private constructor(options: MemberOptions, started: Started) {
    this.options = options;
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.counts = new MemberCounts(options, this.tuning);
    this.#wal = started.wal;
    this.#checkpointer = started.checkpointer;
    this.machine = new StateMachine();
    this.machine.state = { ...(started.restored?.state ?? this.machine.state), members: started.members };
    this.#applied = started.initial.applied ?? 0;
    this.#appliedTerm = started.initial.log.snapshotTerm;
    this.foundTo = started.initial.log.entries.at(-1)?.index ?? this.#applied;
    this.auth = new AuthGate(this, options.auth ?? authOptions(options));
    this.watches = new WatchHub(() => this.machine.store);
    this.#sweeper = new Sweeper(() => this.machine.store, options.clock);
    this.raft = this.#makeRaft(started);
    this.#logKeeper = this.#makeLogKeeper();
    this.leadership = this.#makeLeadership();
    this.cluster = this.#makeCluster(started);
    this.#peers = this.#makePeers();
    this.#mailbag = new Mailbag(this.#peers, this.raft, options.clock);
    this.#reads = this.#makeReads();
    this.#proposals = this.#makeProposals();
    this.leases = this.#makeLeases();
    this.#node = this.#makeNode();
    if (started.initial.conf.voters.length === 1) {
      this.raft.campaign();
      this.#node.wake();
    }
    if (this.membership.members.isRemoved(this.membership.raftId)) this.membership.changed();
    else void this.cluster.publishSelf();
  }

  /** Who the cluster is now, and which of its members this is. */
  get membership(): Membership {
    return this.cluster.membership;
  }
  get applied(): number {
    return this.#applied;
  }
  /** The log entry that the state is the result of. */
  get position(): { readonly index: number; readonly term: number } {
    return { index: this.#applied, term: this.#appliedTerm };
  }
  /** What can tell how busy it is. */
  get parts() {
    return {
      peers: this.#peers,
      node: this.#node,
      proposals: this.#proposals,
      reads: this.#reads,
      wal: this.#wal,
    };
  }
  get diskBytes(): number {
    return this.#wal.bytes + this.#checkpointer.bytes;
  }
  /** Resolves with the response once this member has applied the request. */
  propose(...request: Parameters<Proposals['propose']>): Promise<Init<object>> {
    return this.#proposals.propose(...request);
  }

  /** Resolves when local state contains every write acknowledged before this call. */
  linearize(): Promise<void> {
    return this.#reads.wait();
  }

  /** Writes the state to disk, so that the log before it can go. */
  checkpoint(): Promise<void> {
    return this.#logKeeper.checkpoint();
  }

  /** Resolves when this member has given back what compactions have freed. */
  swept(): Promise<void> {
    return this.#sweeper.done();
  }

  /** What the peers' service needs of this member. */
  peerServiceOptions(
    answers: Pick<PeerServiceOptions, 'leaseRenew' | 'leaseTimeToLive' | 'hashKv'>,
  ): PeerServiceOptions {
    const { disk, log } = this.options;
    return {
      ...answers,
      ...this.cluster.service,
      disk,
      log,
      snapshotFolder: this.#checkpointer.folder,
      onMessages: (messages) => this.step(messages),
      onPeerGone: (raftId) => this.leadership.peerGone(raftId),
    };
  }

  /** Asks another member what only it knows. */
  askPeer: PeerTransport['ask'] = (...question) => this.#peers.ask(...question);

  step(messages: readonly Message[]): void {
    this.#mailbag.heard(messages);
    this.#node.step(messages);
  }

  async stop(): Promise<void> {
    this.#proposals.stop();
    this.#reads.stop();
    this.#sweeper.stop();
    this.leases.stop();
    this.leadership.stop();
    this.auth.stop();
    this.cluster.stop();
    await this.#node.stop();
    this.#mailbag.stop();
    this.#peers.close();
    await this.#wal.close();
  }

  // ---- what the driver asks for ----

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.#applied + 1, 'SM-4', `entry ${entry.index} after ${this.#applied}`);
      this.#applied = entry.index;
      if (entry.type === 'conf-change') this.cluster.changes.applied(entry);
      else if (entry.data.length > 0) this.#applyRequest(internalRequestCodec.decode(entry.data), entry.term);
      if (entry.term === this.#appliedTerm) continue;
      this.#appliedTerm = entry.term;
      this.#proposals.termApplied(entry.term);
    }
    this.#reads.appliedTo(this.#applied);
    this.#sweeper.wake();
    this.#logKeeper.applied(entries);
  }

  #applyRequest(request: InternalRequest, term: number): void {
    const startMs = this.options.clock.monotonic();
    const applied = this.machine.apply(request, term, this.#applied);
    if (applied === undefined) return;
    this.counts.applied(request, applied, startMs);
    if (applied.error === undefined) {
      const granted = request.leaseGrant && this.machine.lessor.get(request.leaseGrant.ID);
      if (granted) this.leases.granted(granted);
      if (request.leaseRevoke !== null) this.leases.revoked(request.leaseRevoke.ID);
    }
    this.auth.changed(request.auth, applied);
    if (request.memberUpdate !== null) this.membership.changed();
    this.#proposals.applied(request, applied);
    this.watches.publish(applied.changes);
  }

  async #restore(metadata: SnapshotMetadata): Promise<void> {
    const { state } = await this.#checkpointer.restore(metadata);
    this.watches.beforeRestore();
    this.machine.state = state;
    this.#applied = metadata.index;
    this.watches.restored();
    this.#reads.appliedTo(metadata.index);
    this.#appliedTerm = metadata.term;
    this.#proposals.restored();
    this.#logKeeper.restored();
    this.auth.restored();
    this.membership.changed();
    this.options.log.info('restored a snapshot', { index: metadata.index, rev: state.store.revision });
  }

  #leadershipChanged(state: SoftState): void {
    const wasLeader = this.leadership.isLeader;
    this.leadership.changed(state);
    const { isLeader } = this.leadership;
    if (isLeader && !wasLeader) this.leases.lead(this.options.electionMs);
    if (!isLeader && wasLeader) this.leases.stop();
    if (isLeader !== wasLeader) this.cluster.leads(isLeader);
  }

  #leaderKnown(): void {
    if (this.raft.leader === this.raft.id) this.#mailbag.leads();
    this.#proposals.leaderKnown();
    this.#reads.leaderKnown();
  }

  // ---- the parts, wired together ----

  #makeRaft(started: Started): Raft {
    const { heartbeatMs, electionMs, random } = this.options;
    const { preVote, requestBytesMax } = this.tuning;
    const electionTicks = Math.max(2, Math.round(electionMs / heartbeatMs));
    return new Raft(
      { id: started.founding.raftId, electionTicks, preVote, entryBytesMax: requestBytesMax },
      started.initial,
      random,
    );
  }

  #makeLeadership(): Leadership {
    const { clock, random, log, electionMs } = this.options;
    return new Leadership({
      clock,
      random,
      log,
      electionMs,
      term: () => this.raft.term,
      forgetLeader: () => {
        this.raft.forgetLeader();
        this.#node.wake();
      },
      campaign: () => {
        this.raft.campaign();
        this.#node.hurry();
      },
    });
  }

  #makeCluster({ founding }: Started): MembershipParts {
    return new MembershipParts({
      options: this.options,
      founding,
      raft: this.raft,
      leadership: this.leadership,
      members: () => this.machine.state.members,
      peers: () => this.#peers,
      wake: () => this.#node.hurry(),
      propose: (body) => this.propose(body),
      linearize: () => this.linearize(),
      proposeAgain: () => this.#proposals.leaderKnown(),
    });
  }

  #makePeers(): PeerTransport {
    const { peerTls, log, clock, disk, cluster, peerUrls = cluster.self.peerUrls } = this.options;
    const makePeers = this.options.makePeers ?? ((options) => new Peers(options));
    return makePeers({
      self: this.membership.raftId,
      peers: this.membership.others(),
      clusterId: String(this.membership.clusterId),
      tls: peerTls,
      log,
      clock,
      disk,
      newestSnapshot: () => this.#logKeeper.snapshot(),
      onUnreachable: (id) => this.raft.reportUnreachable(id),
      onRemoved: () => this.membership.removed(),
      lives: this.cluster.lives,
      selfUrls: () => this.membership.urlsOfSelf(peerUrls),
      onForgotten: () => this.cluster.forgotten(),
      onSnapshotSent: (id, ok) => {
        this.raft.reportSnapshot(id, ok);
        this.#node.wake();
      },
    });
  }

  #makeNode(): RaftNode {
    const { clock, heartbeatMs, fatal } = this.options;
    return new RaftNode({
      raft: this.raft,
      clock,
      tickMs: heartbeatMs,
      append: (record, mayBlock) => this.counts.timeWrite(() => this.#wal.append(record, mayBlock)),
      send: (messages) => this.#mailbag.send(messages),
      apply: (entries) => this.#apply(entries),
      restore: (metadata) => this.#restore(metadata),
      reads: (reads) => this.#reads.answered(reads),
      leadership: (state) => this.#leadershipChanged(state),
      leaderKnown: () => this.#leaderKnown(),
      beforeRound: () => this.#reads.beforeRound(),
      anticipation: this.options.anticipation,
      fatal: (error) => fatal('the Raft node failed', error),
    });
  }

  #makeLogKeeper(): LogKeeper {
    const { snapshotCount, log, fatal } = this.options;
    return new LogKeeper({
      checkpointer: this.#checkpointer,
      wal: this.#wal,
      raft: this.raft,
      stateBytes: () => this.machine.store.bytes,
      snapshotCount,
      catchUpEntries: this.tuning.catchUpEntries,
      now: () => ({
        state: this.machine.state,
        metadata: { index: this.#applied, term: this.#appliedTerm, conf: this.raft.conf },
      }),
      log,
      fatal,
    });
  }

  #makeReads(): LinearizableReads {
    return new LinearizableReads({
      clock: this.options.clock,
      timeoutMs: REQUEST_TIMEOUT_MS + 2 * this.options.electionMs,
      firstContext: this.options.clock.now() * 1024,
      readIndex: (context) => this.raft.readIndex(context),
      applied: () => this.#applied,
      wake: () => this.#node.wake(),
    });
  }

  #makeProposals(): Proposals {
    const { clock, electionMs } = this.options;
    return new Proposals({
      self: this.membership.raftId,
      clock,
      timeoutMs: REQUEST_TIMEOUT_MS + 2 * electionMs,
      requestBytesMax: this.tuning.requestBytesMax,
      firstId: clock.now() * 1024,
      term: () => this.raft.term,
      propose: (data) => {
        const outcome = this.raft.propose(data);
        this.#node.wake();
        return outcome;
      },
    });
  }

  #makeLeases(): LeaseExpiry {
    const { clock, log } = this.options;
    return new LeaseExpiry({
      clock,
      log,
      leases: () => this.machine.lessor.all(),
      lease: (id) => this.machine.lessor.get(id),
      confirmLeadership: () => this.linearize(),
      revoke: (id) => this.propose({ leaseRevoke: { ID: id }, header: this.auth.asRoot() }, true),
      checkpoint: (leases) => this.propose({ leaseCheckpoint: { leases } }),
    });
  }
}
