import { seededRandom, silentLogger } from '@kubelab/component-base';
import {
  admission,
  authService,
  clusterService,
  isAnotherLife,
  type JoinRequest,
  kvService,
  leaseService,
  maintenanceService,
  Member,
  parseCluster,
  PeerDoor,
  type PeerServiceOptions,
  receiveSnapshot,
  snapshotService,
} from '@kubelab/etcd-lite';
import { RpcError, StatusCode } from '@kubelab/rpc';
import type { HashKVRequest, LeaseTimeToLiveRequest } from '@kubelab/rpc/etcd';
import type { Message } from 'raft-consensus';
import type { Tearing } from './inode.ts';
import { SimDisk } from './sim-disk.ts';
import type { Endpoint, Reception, Sender, SimNetwork } from './sim-network.ts';
import type { Life, Timeline } from './timeline.ts';

export interface NodeSettings {
  readonly nodeCount: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly walSegmentBytes: number;
  /** Default: more than any run needs. */
  readonly quotaBytes?: number;
  /** Of one piece of a fragmented watch response; default: the store's. */
  readonly fragmentBytesMax?: number;
  /** Default: both off, as members come and go only where a test lets them. */
  readonly strictReconfig?: boolean;
  readonly autoPromote?: boolean;
}

export interface NodeEvents {
  /** The process gave up: a failed disk, or a broken invariant. */
  onFatal(node: SimNode, msg: string, error: unknown): void;
  onStartFailed(node: SimNode, error: unknown): void;
  onStarted(node: SimNode): void;
  /** It was removed from the cluster, and has ended. */
  onLeft(node: SimNode): void;
}

/** A member that runs: the store's own code and its services. */
export interface Running {
  readonly member: Member;
  readonly kv: ReturnType<typeof kvService>;
  readonly lease: ReturnType<typeof leaseService>;
  readonly maintenance: ReturnType<typeof maintenanceService>;
  readonly cluster: ReturnType<typeof clusterService>;
  readonly snapshot: ReturnType<typeof snapshotService>;
  readonly auth: ReturnType<typeof authService>;
}

/** What another member's question to the process is, by its RPC. */
type Answers = Readonly<Record<string, (request: never) => Promise<object>>>;

/** One machine: a disk that stays, and a process that comes and goes. */
export class SimNode implements Endpoint {
  readonly name: string;
  readonly disk: SimDisk;
  /** Where the others reach it; of several, the one where it is to be in future is the last. */
  urls: readonly string[];
  running: Running | undefined;
  /** It belongs to no cluster (any more). */
  isOut = false;
  /** Bits of its data have been flipped. */
  isDamaged = false;
  /** That was noticed: it must not come back with this data. */
  isRetired = false;
  /** It has been a member with what is on its disk. */
  hasData = false;
  /** As it was last known; a member that lost its data gets another. */
  id: string;
  readonly #settings: NodeSettings;
  readonly #timeline: Timeline;
  readonly #network: SimNetwork;
  readonly #events: NodeEvents;
  readonly #seed: number;
  readonly #skewMs: number;
  #cluster: ReturnType<typeof parseCluster>;
  #isFounder = true;
  #isStopping = false;
  #life: Life;
  #lifeCount = 0;
  #snapshotsReceived = 0;
  #door = new PeerDoor();
  #service: PeerServiceOptions | undefined;
  /** Raft id → up to which stream it is not heard. */
  readonly #deaf = new Map<string, number>();

  constructor(
    name: string,
    seed: number,
    world: { readonly timeline: Timeline; readonly network: SimNetwork; readonly events: NodeEvents },
    settings: NodeSettings,
  ) {
    this.name = name;
    this.urls = [urlOf(name)];
    this.#seed = seed;
    this.#settings = settings;
    this.#timeline = world.timeline;
    this.#network = world.network;
    this.#events = world.events;
    const random = seededRandom(seed);
    this.#skewMs = random.int(10_000);
    this.disk = new SimDisk(world.timeline, random);
    this.#life = { node: name, isAlive: false, pausedUntilMs: 0 };
    const founders = Array.from({ length: settings.nodeCount }, (_, i) => `n${i + 1}`);
    const first = founders.includes(name) ? founders : [name];
    this.#cluster = clusterOf(
      first.map((each) => `${each}=${urlOf(each)}`),
      name,
    );
    this.id = this.#cluster.self.raftId;
  }

  get url(): string {
    return this.urls.at(-1) ?? '';
  }
  get life(): Life {
    return this.#life;
  }
  /** Undefined: clients reach no member here (any more). */
  get serving(): Running | undefined {
    return this.#isStopping ? undefined : this.running;
  }
  get served(): string | undefined {
    return this.#life.isAlive && this.running !== undefined ? this.#service?.raftId : undefined;
  }
  get isUp(): boolean {
    return this.#life.isAlive;
  }

  start(): void {
    const life = { node: this.name, isAlive: true, pausedUntilMs: 0 };
    this.#life = life;
    this.#isStopping = false;
    this.#lifeCount++;
    this.#door = new PeerDoor();
    this.#deaf.clear();
    this.#timeline.at(0, life, { event: 'start' }, () => {
      this.#startMember(life).then(
        (running) => {
          if (!life.isAlive) return;
          this.running = running;
          this.id = running.member.membership.raftId;
          this.hasData = true;
          running.member.leadership.seek();
          this.#events.onStarted(this);
        },
        (err: unknown) => life.isAlive && this.#events.onStartFailed(this, err),
      );
    });
  }

  /** Power is lost. */
  crash(tearing: Tearing): void {
    this.#life.isAlive = false;
    this.running = undefined;
    this.#service = undefined;
    this.disk.crash(tearing);
    Object.assign(this.disk.mood, { isFull: false, failsSync: false, slowness: 1 });
  }

  /** The process ends as it is meant to: leadership is passed on, what is written stays. */
  async stop(): Promise<void> {
    const life = this.#life;
    await this.running?.member.cluster.handover.toHeir();
    this.#isStopping = true;
    await this.running?.member.stop();
    if (life.isAlive) this.crash('none-lost');
  }

  /** Another disk, of a machine that is down. */
  wipe(): void {
    this.disk.wipe();
    this.hasData = false;
    this.isRetired = false;
    this.isDamaged = false;
  }

  /** From now on its flags say that it joins this cluster (`--initial-cluster`), of which it is a member. */
  joins(initialCluster: readonly string[]): void {
    this.#cluster = clusterOf(initialCluster, this.name);
    this.#isFounder = false;
  }

  /** Its flags still are those of the first members. */
  get isFounding(): boolean {
    return this.#isFounder;
  }

  // ---- the network's end ----

  admits({ raftId, stream, life, lifeTo, urls }: Sender, to: string): Reception {
    const service = this.#service;
    if (service === undefined || this.running === undefined) return 'no';
    if (service.isRemoved(raftId)) return 'removed';
    if (to !== service.raftId) return 'no';
    if (isAnotherLife(service.lives.of(raftId), life)) return 'forgotten';
    if (isAnotherLife(lifeTo, service.lives.own)) service.onForgotten();
    else service.onMet(raftId, urls);
    return stream > (this.#deaf.get(raftId) ?? 0) ? 'yes' : 'no';
  }

  deliver(messages: readonly Message[]): void {
    this.#service?.onMessages(messages);
  }

  receiveSnapshot(chunks: Parameters<Endpoint['receiveSnapshot']>[0]): Promise<void> {
    if (this.#service === undefined) return Promise.reject(new Error('not serving yet'));
    return receiveSnapshot(chunks, `incoming-${this.#snapshotsReceived++}.tmp`, this.#service);
  }

  async answer(question: string, request: object): Promise<object> {
    if (question === 'Describe') return this.#door.describe((request as { raftId?: string }).raftId ?? '');
    if (question === 'Join') return (await this.#door.member).join(request as JoinRequest);
    const service = this.#service;
    if (service === undefined) throw new RpcError(StatusCode.UNAVAILABLE, 'not serving yet');
    const answers: Answers = {
      LeaseRenew: async ({ ID }: { ID: number }) => ({ TTL: await service.leaseRenew(ID) }),
      LeaseTimeToLive: (asked: LeaseTimeToLiveRequest) => service.leaseTimeToLive(asked),
      HashKV: (asked: HashKVRequest) => service.hashKv(asked),
      ChangeMembers: ({ change }: { change: string }) => service.changeMembers(change),
    };
    const answer = answers[question];
    if (answer === undefined) throw new RpcError(StatusCode.UNIMPLEMENTED, question);
    return answer(request as never);
  }

  /** A broken connection is noticed. */
  peerGone(id: string): void {
    this.running?.member.leadership.peerGone(id);
  }

  async #startMember(life: Life): Promise<Running> {
    const { heartbeatMs, electionMs, snapshotCount, walSegmentBytes, fragmentBytesMax } = this.#settings;
    const { quotaBytes = 1 << 30, strictReconfig = false, autoPromote = false } = this.#settings;
    const clock = this.#timeline.clockOf(life, this.#skewMs);
    const cluster = this.#cluster;
    const door = this.#door;
    const onRemoved = (): void => this.#leave(life);
    const member = await Member.start({
      cluster,
      dataDir: '/data',
      clientUrls: [`http://${this.name}:2379`],
      peerUrls: this.urls,
      peerTls: undefined,
      heartbeatMs,
      electionMs,
      snapshotCount,
      walSegmentBytes,
      quotaBytes,
      strictReconfig,
      autoPromote,
      clock,
      random: seededRandom(this.#seed * 1009 + this.#lifeCount),
      disk: this.disk.as(life),
      log: silentLogger,
      ...(fragmentBytesMax !== undefined && { tuning: { fragmentBytesMax } }),
      fatal: (msg, error) => {
        if (life.isAlive) this.#events.onFatal(this, msg, error);
      },
      makePeers: (options) => this.#network.transportOf(life, options),
      admit: admission({
        isNew: this.#isFounder,
        cluster,
        call: this.#network.callsOf(life),
        clock,
        log: silentLogger,
        onFresh: () => door.isFresh(cluster.id),
        hasAsked: (raftId) => door.hasAsked(raftId),
        onRemoved,
      }),
      onRemoved,
    });
    if (life.isAlive) this.#serve(member, door);
    return {
      member,
      kv: kvService(member),
      lease: leaseService(member),
      maintenance: maintenanceService(member),
      cluster: clusterService(member),
      snapshot: snapshotService(member),
      auth: authService(member),
    };
  }

  #serve(member: Member, door: PeerDoor): void {
    const { renew, askTimeToLive } = leaseService(member);
    const service = member.peerServiceOptions({
      leaseRenew: renew,
      leaseTimeToLive: askTimeToLive,
      hashKv: snapshotService(member).hashKv,
    });
    this.#service = service;
    service.onStreams((raftId) => this.#deaf.set(raftId, this.#network.streamCount));
    door.open(service);
  }

  #leave(life: Life): void {
    if (!life.isAlive || this.isOut) return;
    this.isOut = true;
    this.crash('none-lost');
    this.#events.onLeft(this);
  }
}

function urlOf(name: string): string {
  return `http://${name}:2380`;
}

function clusterOf(initialCluster: readonly string[], name: string): ReturnType<typeof parseCluster> {
  return parseCluster(initialCluster, name, 'sim');
}
