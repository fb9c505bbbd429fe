import { must, realClock, silentLogger } from '@kubelab/component-base';
import { isRpcError } from '@kubelab/rpc';
import { EtcdClient } from '@kubelab/rpc/client';
import type { TestStore } from '@kubelab/rpc/testing';
import { RawClient } from './raw-client.ts';
import { type Target, targets } from './targets.ts';

/** A refusal as it is on the wire. */
export interface Refusal {
  readonly code: number;
  readonly details: string;
}

/** Real etcd and ours, side by side, one member each. */
export class BothStores {
  readonly stores: readonly TestStore[];
  /** etcd's, and ours. */
  readonly clients: readonly [EtcdClient, EtcdClient];
  readonly raw: readonly [RawClient, RawClient];

  private constructor(stores: readonly TestStore[]) {
    this.stores = stores;
    const [theirs, ours] = stores.map(({ endpoints }) => ({
      client: new EtcdClient({ endpoints, log: silentLogger, clock: realClock }),
      raw: new RawClient(must(endpoints[0])),
    }));
    this.clients = [must(theirs).client, must(ours).client];
    this.raw = [must(theirs).raw, must(ours).raw];
  }

  static readonly skip: Target['skip'] = targets.find(({ skip }) => skip !== false)?.skip ?? false;

  static async start(): Promise<BothStores> {
    const stores: TestStore[] = [];
    for (const target of targets) stores.push(await target.start());
    return new BothStores(stores);
  }

  async stop(): Promise<void> {
    for (const each of [...this.clients, ...this.raw]) each.close();
    for (const store of this.stores) await store.stop();
  }

  /** What both answer to one call: theirs, ours. */
  outcomes(call: (client: EtcdClient) => Promise<unknown>): Promise<[unknown, unknown]> {
    const [theirs, ours] = this.clients;
    return Promise.all([outcome(call(theirs)), outcome(call(ours))]);
  }

  /** The same without a client's help: what it would not let through. */
  rawOutcomes(call: (raw: RawClient) => Promise<unknown>): Promise<[unknown, unknown]> {
    const [theirs, ours] = this.raw;
    return Promise.all([outcome(call(theirs)), outcome(call(ours))]);
  }
}

/** The answer in plain form, or the refusal. */
export async function outcome(promise: Promise<unknown>): Promise<unknown> {
  try {
    return plain(await promise);
  } catch (error) {
    if (isRpcError(error)) return { code: error.code, details: error.details } satisfies Refusal;
    throw error;
  }
}

export function isRefusal(outcome: unknown): outcome is Refusal {
  return typeof outcome === 'object' && outcome !== null && 'code' in outcome;
}

/** What was on the wire, without what names the cluster. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !NAMES.has(key))
      .map(([key, each]) => [key, plain(each)]),
  );
}

const NAMES = new Set(['clusterId', 'memberId', 'raftTerm']);
