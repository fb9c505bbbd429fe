import { seededRandom, silentLogger } from '@kubelab/component-base';
import {
  kvService,
  leaseService,
  maintenanceService,
  Member,
  parseCluster,
  receiveSnapshot,
} from '@kubelab/etcd-lite';
import type { LeaseTimeToLiveRequest } from '@kubelab/rpc/etcd';
import type { Message } from 'raft-consensus';
import type { Tearing } from './inode.ts';
import { SimDisk } from './sim-disk.ts';
import type { Endpoint, SimNetwork } from './sim-network.ts';
import type { Life, Timeline } from './timeline.ts';

export interface NodeSettings {
  readonly nodeCount: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly snapshotCount: number;
  readonly walSegmentBytes: number;
}

export interface NodeEvents {
  /** The process gave up: a failed disk, or a broken invariant. */
  onFatal(node: SimNode, msg: string, error: unknown): void;
  onStartFailed(node: SimNode, error: unknown): void;
  onStarted(node: SimNode): void;
}

/** A member that runs: the store's own code and its services. */
export interface Running {
  readonly member: Member;
  readonly kv: ReturnType<typeof kvService>;
  readonly lease: ReturnType<typeof leaseService>;
  readonly maintenance: ReturnType<typeof maintenanceService>;
}

/** One machine: a disk that stays, and a process that comes and goes. */
export class SimNode implements Endpoint {
  readonly name: string;
  readonly id: string;
  readonly disk: SimDisk;
  running: Running | undefined;
  /** Its data is known to be damaged: it must not come back. */
  isRetired = false;
  readonly #settings: NodeSettings;
  readonly #timeline: Timeline;
  readonly #network: SimNetwork;
  readonly #events: NodeEvents;
  readonly #seed: number;
  readonly #skewMs: number;
  readonly #cluster: ReturnType<typeof parseCluster>;
  #life: Life;
  #lifeCount = 0;
  #snapshotsReceived = 0;

  constructor(
    name: string,
    seed: number,
    world: { readonly timeline: Timeline; readonly network: SimNetwork; readonly events: NodeEvents },
    settings: NodeSettings,
  ) {
    this.name = name;
    this.#seed = seed;
    this.#settings = settings;
    this.#timeline = world.timeline;
    this.#network = world.network;
    this.#events = world.events;
    const random = seededRandom(seed);
    this.#skewMs = random.int(10_000);
    this.disk = new SimDisk(world.timeline, random);
    this.#life = { node: name, isAlive: false, pausedUntilMs: 0 };
    this.#cluster = clusterOf(name, settings.nodeCount);
    this.id = this.#cluster.self.raftId;
  }

  get life(): Life {
    return this.#life;
  }
  get isUp(): boolean {
    return this.#life.isAlive;
  }

  start(): void {
    const life = { node: this.name, isAlive: true, pausedUntilMs: 0 };
    this.#life = life;
    this.#lifeCount++;
    this.#timeline.at(0, life, { event: 'start' }, () => {
      this.#startMember(life).then(
        (running) => {
          if (!life.isAlive) return;
          this.running = running;
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
    this.disk.crash(tearing);
    Object.assign(this.disk.mood, { isFull: false, failsSync: false, slowness: 1 });
  }

  // ---- the network's end ----

  deliver(messages: readonly Message[]): void {
    this.running?.member.step(messages);
  }

  receiveSnapshot(chunks: Parameters<Endpoint['receiveSnapshot']>[0]): Promise<void> {
    if (this.running === undefined) return Promise.reject(new Error('not serving yet'));
    return receiveSnapshot(
      chunks,
      `incoming-${this.#snapshotsReceived++}.tmp`,
      this.running.member.peerServiceOptions({
        leaseRenew: this.running.lease.renew,
        leaseTimeToLive: this.running.lease.askTimeToLive,
      }),
    );
  }

  async answer(question: string, request: object): Promise<object> {
    if (this.running === undefined) throw new Error('not serving yet');
    const { lease } = this.running;
    if (question === 'LeaseRenew') return { TTL: await lease.renew((request as { ID: number }).ID) };
    return lease.timeToLive(request as LeaseTimeToLiveRequest);
  }

  /** A broken connection is noticed. */
  peerGone(id: string): void {
    this.running?.member.leadership.peerGone(id);
  }

  async #startMember(life: Life): Promise<Running> {
    const { heartbeatMs, electionMs, snapshotCount, walSegmentBytes } = this.#settings;
    const member = await Member.start({
      cluster: this.#cluster,
      dataDir: '/data',
      clientUrls: [`http://${this.name}:2379`],
      peerTls: undefined,
      heartbeatMs,
      electionMs,
      snapshotCount,
      walSegmentBytes,
      quotaBytes: 1 << 30,
      clock: this.#timeline.clockOf(life, this.#skewMs),
      random: seededRandom(this.#seed * 1009 + this.#lifeCount),
      disk: this.disk.as(life),
      log: silentLogger,
      fatal: (msg, error) => {
        if (life.isAlive) this.#events.onFatal(this, msg, error);
      },
      makePeers: (options) => this.#network.transportOf(life, options),
    });
    return {
      member,
      kv: kvService(member),
      lease: leaseService(member),
      maintenance: maintenanceService(member),
    };
  }
}

function clusterOf(name: string, nodeCount: number): ReturnType<typeof parseCluster> {
  const members = Array.from({ length: nodeCount }, (_, i) => `n${i + 1}=http://n${i + 1}:2380`);
  return parseCluster(members, name, 'sim');
}
