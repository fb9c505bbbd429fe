import { type Random, realClock, seededRandom } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { ProcessCluster, type ProcessClusterOptions } from '@kubelab/etcd-lite/testing';
import type { EtcdClient } from '@kubelab/rpc/client';
import { bytesOf, FROM_KEY, textOf } from '@kubelab/rpc/etcd';
import { require } from '../checks/violation.ts';
import type { Operation, Seen } from '../clients/operation.ts';
import type { Shared } from '../clients/requests.ts';
import { accountsOf, type Sums } from './accounts.ts';
import { Chronicle } from './chronicle.ts';
import { ProxiedNetwork } from './network.ts';
import { RealClient } from './real-client.ts';
import { RealWatch, type WatchedRange } from './real-watch.ts';

export interface TrialOptions {
  readonly seed: number;
  readonly size?: number;
  readonly flags?: readonly string[];
  /** Default: etcd-lite. */
  readonly program?: ProcessClusterOptions['program'];
  readonly dataDir?: ProcessClusterOptions['dataDir'];
  /** All connections go through proxies, which can be told to misbehave. */
  readonly isProxied?: boolean;
  readonly clientCount?: number;
  /** Mean pause of a client between two requests. */
  readonly thinkMs?: number;
  /** How many of the newest revisions compactions leave; Infinity: none compacts. */
  readonly compactLag?: number;
  /** The part of requests of any shape; default 0.3. A store that sorts what is equal in another order than ours gets 0. */
  readonly richShare?: number;
  /** Whether watches ask for progress: releases of etcd have answered too early. */
  readonly asksProgress?: boolean;
  /** Whether leases last as long as clients are told, also when a leader was paused; default true. */
  readonly keepsLeases?: boolean;
}

/** All that clients ever write. */
const EVERYTHING = { start: 'a', end: 'z' } as const;
/** With a minute to spare: nobody renews it without the clients' doing. */
const LEASE_SECONDS = 2;
/** How long a server may still carry out what its client has given up. */
const AFTERMATH_MS = 8000;
const SETTLE_MS = 60_000;

/** A real cluster under load, which is struck by faults, left to recover, and then held to account. */
export class Trial {
  readonly cluster: ProcessCluster;
  readonly network: ProxiedNetwork;
  readonly random: Random;
  readonly #options: TrialOptions;
  readonly #clients: readonly EtcdClient[];
  readonly operations: Operation[] = [];
  readonly #shared: Shared = { leases: [], revision: 1, compactedMax: 0 };
  #clientCount = 0;

  static async start(options: TrialOptions): Promise<Trial> {
    const members: { cluster?: ProcessCluster } = {};
    const network = new ProxiedNetwork(() => pidsOf(members.cluster));
    const { program, dataDir, flags = [] } = options;
    const cluster = await ProcessCluster.startWith(options.size ?? 3, {
      flags,
      ...(program && { program }),
      ...(dataDir && { dataDir }),
      ...(options.isProxied === true && { front: network.front.bind(network) }),
    });
    members.cluster = cluster;
    await cluster.whole();
    return new Trial(options, cluster, network);
  }

  private constructor(options: TrialOptions, cluster: ProcessCluster, network: ProxiedNetwork) {
    this.#options = options;
    this.cluster = cluster;
    this.network = network;
    this.random = seededRandom(options.seed);
    this.#clients = cluster.members.map(({ clientUrl }) => cluster.client([clientUrl]));
  }

  get names(): string[] {
    return this.cluster.members.map(({ name }) => name);
  }

  /** Requests answered so far in this chapter. */
  get answeredCount(): number {
    return this.operations.filter(({ outcome }) => outcome === 'ok').length;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.cluster.stop();
    this.network.close();
  }

  /**
   * Starts from an empty store, lets clients and watches loose, does `misfortune`, waits until all is well
   * again, and draws up the accounts. Throws `Violation`.
   */
  async chapter(misfortune: () => Promise<void>): Promise<Sums> {
    const base = await this.#sweep();
    const chronicle = new Chronicle(base);
    const watches = this.#watch(base + 1, chronicle);
    const clients = this.#startClients(base);
    try {
      const whims = this.#startWhims(watches);
      await misfortune();
      whims.abort();
      await Promise.all(clients.map((client) => client.stop()));
      const last = await this.#settle(clients, watches, chronicle);
      return accountsOf({
        base,
        last,
        operations: this.operations,
        chronicle,
        watches: watches.flatMap(({ logs }) => logs),
        compactedMax: this.#shared.compactedMax,
        keepsLeases: this.#options.keepsLeases ?? true,
        contents: await this.#contents(last),
      });
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
      for (const watch of watches) watch.close();
    }
  }

  /** A client of one member. */
  client(name: string): EtcdClient {
    const client = this.#clients[this.names.indexOf(name)];
    if (client === undefined) throw new Error(`no member ${name}`);
    return client;
  }

  /** Resolves once the member answers. One that has given up by itself is a violation. */
  async answers(name: string): Promise<void> {
    const request = { key: bytesOf('k'), serializable: true };
    await eventually(
      `${name} answers`,
      async () => {
        const { child } = this.cluster.members[this.names.indexOf(name)] ?? {};
        if (child?.exitCode !== null) return { hasDied: true };
        await this.client(name).range(request, { timeoutMs: 1000 });
        return { hasDied: false };
      },
      SETTLE_MS,
    ).then(({ hasDied }) => {
      require(!hasDied, 'fatal', () => `${name} has given up by itself: ${this.cluster.lastWords(name)}`);
    });
  }

  /** Empties the store, which is at rest from then on. Resolves to its revision. */
  async #sweep(): Promise<number> {
    const unknown = this.operations.filter(({ outcome }) => outcome === 'unknown');
    const latestMs = Math.max(0, ...unknown.map(({ invokedMs }) => invokedMs));
    const restMs = latestMs + AFTERMATH_MS - realClock.monotonic();
    if (unknown.length > 0 && restMs > 0) await realClock.sleep(restMs);
    this.operations.length = 0;
    this.#shared.leases.length = 0;
    const everything = { key: bytesOf('\0'), rangeEnd: FROM_KEY };
    const [client] = this.#clients;
    if (client === undefined) throw new Error('a cluster without members');
    return await eventually(
      'an empty store',
      async () => {
        for (const { ID } of (await client.leaseLeases()).leases) await client.leaseRevoke({ ID });
        await client.deleteRange(everything);
        const { header, count } = await client.range(everything);
        this.#shared.revision = header.revision;
        return count === 0 ? header.revision : undefined;
      },
      SETTLE_MS,
    );
  }

  #startClients(base: number): RealClient[] {
    const { clientCount = 6, compactLag = 300, thinkMs = 12, richShare = 0.3 } = this.#options;
    return Array.from(
      { length: clientCount },
      () =>
        new RealClient({
          number: ++this.#clientCount,
          clock: realClock,
          random: seededRandom(this.#options.seed * 1000 + this.#clientCount),
          own: this.cluster.client(rotated(this.cluster.endpoints, this.#clientCount)),
          pinned: this.#clients,
          operations: this.operations,
          shared: this.#shared,
          habits: { leaseSeconds: LEASE_SECONDS, compactLag },
          thinkMs,
          richShare,
          base,
        }),
    );
  }

  /** One for each member, which tells its whole history, and some that go from member to member. */
  #watch(from: number, chronicle: Chronicle): RealWatch[] {
    const { random } = this;
    const options = { clock: realClock, random };
    const tellers = this.cluster.members.map(
      ({ name, clientUrl }) =>
        new RealWatch({
          ...options,
          urls: [clientUrl],
          ranges: [{ name: `all at ${name}`, ...EVERYTHING, hasPrevKv: true, from }],
          onReceived: (_, received) => chronicle.heard(name, received, realClock.monotonic()),
        }),
    );
    const urls = this.cluster.endpoints;
    const range = (
      name: string,
      start: string,
      end: string | undefined,
      hasPrevKv: boolean,
    ): WatchedRange => {
      return { name, start, end, hasPrevKv, from };
    };
    const shared = ['k1', 'k2', 'k3', 'k4'].map((key) =>
      range(`${key}, shared stream`, key, undefined, true),
    );
    return [
      ...tellers,
      new RealWatch({ ...options, urls, ranges: [range('keys', 'k0', 'k9', true)] }),
      new RealWatch({ ...options, urls, ranges: [range('leased keys', 'e', 'f', false)] }),
      new RealWatch({
        ...options,
        urls,
        ranges: [range('k2..k5, shared stream', 'k2', 'k5', true), ...shared],
      }),
    ];
  }

  /** Watches change members, dawdle, and ask how far they are, now and then. */
  #startWhims(watches: readonly RealWatch[]): AbortController {
    const over = new AbortController();
    const { random } = this;
    const tellerCount = this.names.length;
    const next = (): void => {
      if (over.signal.aborted) return;
      const watch = watches[random.int(watches.length)];
      const dice = random.float();
      const isTeller = watches.indexOf(watch as RealWatch) < tellerCount;
      if (dice < 0.3 && !isTeller) watch?.switch();
      else if (dice < 0.5 && !isTeller) watch?.dawdle(random.int(1500));
      else if (this.#options.asksProgress !== false) watch?.requestProgress();
      realClock.setTimer(random.int(200), next);
    };
    next();
    return over;
  }

  /** All members live, agree, and have told everything. Resolves to the last revision. */
  async #settle(
    clients: readonly RealClient[],
    watches: readonly RealWatch[],
    chronicle: Chronicle,
  ): Promise<number> {
    const [client] = clients;
    if (client === undefined) throw new Error('no clients');
    for (const name of this.names) await this.answers(name);
    await eventually('leases that end', () => this.#revokeLeases(client), SETTLE_MS);
    for (const name of this.names)
      await eventually(
        `${name} takes writes`,
        async () => {
          return (await client.probe(this.client(name))).outcome === 'ok';
        },
        SETTLE_MS,
      );
    const { header } = await this.client(this.names[0] ?? '').range({ key: bytesOf('k') });
    const last = header.revision;
    const tellers = watches.slice(0, this.names.length);
    await eventually('all is told', () => tellers.every((watch) => watch.isCurrent(() => last)), SETTLE_MS);
    await eventually(
      'all watches are current',
      () => watches.every((watch) => watch.isCurrent((range) => chronicle.lastChange(range, last))),
      SETTLE_MS,
    );
    await this.#compareHashes(last);
    return last;
  }

  async #revokeLeases(client: RealClient): Promise<boolean> {
    const store = this.client(this.names[0] ?? '');
    const { leases } = await store.leaseLeases();
    for (const { ID } of leases) await client.ask(store, { type: 'revoke', lease: Number(ID) });
    return leases.length === 0;
  }

  async #compareHashes(revision: number): Promise<void> {
    let told = '';
    const agreed = await eventually(
      'hashes',
      async () => {
        const hashes = await Promise.all(
          this.cluster.endpoints.map((url, i) => this.client(this.names[i] ?? '').hashKv(url, revision)),
        );
        told = hashes
          .map(({ hash, compactRevision }) => `${hash} compacted at ${compactRevision}`)
          .join(', ');
        const [first] = hashes;
        // Members compact one after the other: hashes can be compared where they have come as far.
        if (!hashes.every(({ compactRevision }) => compactRevision === first?.compactRevision))
          return undefined;
        return { isSame: hashes.every(({ hash }) => hash === first?.hash) };
      },
      SETTLE_MS,
    );
    require(agreed.isSame, 'same-state', () => `hashes at ${revision}: ${told}`);
  }

  async #contents(revision: number): Promise<Map<string, Seen[]>> {
    const contents = new Map<string, Seen[]>();
    for (const name of this.names) {
      const everything = { key: bytesOf('\0'), rangeEnd: FROM_KEY, serializable: true, revision };
      const { kvs } = await this.client(name).range(everything);
      contents.set(
        name,
        kvs.map((kv) => ({ ...kv, key: textOf(kv.key), value: textOf(kv.value) })),
      );
    }
    return contents;
  }
}

function pidsOf(cluster: ProcessCluster | undefined): Map<string, number> {
  const members = cluster?.members ?? [];
  return new Map(members.flatMap(({ name, child }) => (child?.pid === undefined ? [] : [[name, child.pid]])));
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}
