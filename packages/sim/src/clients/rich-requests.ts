import type { Random } from '@kubelab/component-base';
import type { Request } from './operation.ts';
import type { Shared } from './requests.ts';
import type {
  CompareSpec,
  DeleteSpec,
  OpSpec,
  PutSpec,
  RangeSpec,
  RichRequest,
  TxnSpec,
} from './rich-request.ts';

/** Transactions write here only: what happens to a key by parts of transactions is no plain register. */
const KEYS = ['t0', 't1', 't2', 't3', 't4', 't5'];
const END = 't9';
const DEPTH_MAX = 2;

/** Makes up requests of every shape. */
export class RichRequests {
  readonly #random: Random;
  readonly #shared: Shared;
  readonly #value: () => string;

  /** `value` gives one that nobody else ever writes. */
  constructor(random: Random, shared: Shared, value: () => string) {
    this.#random = random;
    this.#shared = shared;
    this.#value = value;
  }

  next(): Request | RichRequest {
    const dice = this.#random.float();
    if (dice < 0.5) return { type: 'txn', txn: this.#txn(0) };
    if (dice < 0.8) return { type: 'range', range: this.#range(false) };
    if (dice < 0.84) return { type: 'hash-kv', revision: this.#chance(0.5) ? 0 : this.#revision(10) };
    if (dice < 0.87) return { type: 'leases' };
    if (dice < 0.88) return { type: 'disarm' };
    if (dice < 0.9) return { type: 'role', name: `r${this.#random.int(4)}`, isAdded: this.#chance(0.5) };
    const lease = this.#lease();
    if (lease === 0 || dice < 0.93) return { type: 'put', key: this.#key(), value: this.#value(), lease };
    if (dice < 0.97) return { type: 'time-to-live', lease };
    return { type: 'revoke', lease };
  }

  #txn(depth: number): TxnSpec {
    const keys = this.#shuffled(KEYS);
    const branch = (): OpSpec[] => {
      const free = [...keys];
      return this.#some(3).map(() => this.#op(depth, free.pop() ?? 't0'));
    };
    return {
      op: 'txn',
      compare: this.#some(2).map(() => this.#compare()),
      success: branch(),
      failure: branch(),
    };
  }

  #op(depth: number, key: string): OpSpec {
    const dice = this.#random.float();
    if (dice < 0.5) return this.#put(key);
    if (dice < 0.65) return this.#delete(key);
    if (dice < 0.85 || depth === DEPTH_MAX) return this.#range(true);
    return this.#txn(depth + 1);
  }

  #put(key: string): PutSpec {
    const keepsValue = this.#chance(0.15);
    const keepsLease = this.#chance(0.15);
    const lease = !keepsLease && this.#chance(0.2) ? this.#lease() : 0;
    return { op: 'put', key, value: keepsValue ? '' : this.#value(), lease, keepsValue, keepsLease };
  }

  #delete(key: string): DeleteSpec {
    return { op: 'delete', key, end: this.#chance(0.1) ? END : undefined };
  }

  #range(isInTxn: boolean): RangeSpec {
    const isFiltered = this.#chance(0.2);
    const bound = (): number => (isFiltered && this.#chance(0.4) ? this.#revision(20) : 0);
    return {
      op: 'range',
      key: this.#key(),
      end: this.#chance(0.8) ? END : undefined,
      revision: this.#chance(isInTxn ? 0.03 : 0.3) ? this.#revision(25) + (this.#chance(0.1) ? 20 : 0) : 0,
      limit: this.#chance(0.4) ? 1 + this.#random.int(4) : 0,
      order: this.#pick('none', 'none', 'ascend', 'descend'),
      target: this.#pick('key', 'key', 'version', 'create', 'mod', 'value'),
      isSerializable: !isInTxn && this.#chance(0.2),
      isKeysOnly: this.#chance(0.1),
      isCountOnly: this.#chance(0.1),
      minMod: bound(),
      maxMod: bound(),
      minCreate: bound(),
      maxCreate: bound(),
    };
  }

  #compare(): CompareSpec {
    const target = this.#pick('version', 'create', 'mod', 'mod', 'value', 'lease');
    const operands = {
      version: () => this.#random.int(3),
      create: () => (this.#chance(0.5) ? 0 : this.#revision(20)),
      mod: () => (this.#chance(0.3) ? 0 : this.#revision(10)),
      value: () => `c${this.#random.int(8)}`,
      lease: () => this.#lease(),
    } as const;
    return {
      key: this.#key(),
      end: this.#chance(0.2) ? END : undefined,
      target,
      result: this.#pick('=', '!=', '>', '<'),
      operand: operands[target](),
    };
  }

  /** A little before the newest that anybody has seen. */
  #revision(spread: number): number {
    return Math.max(1, this.#shared.revision - this.#random.int(spread));
  }

  /** 0: there is none. */
  #lease(): number {
    const { leases } = this.#shared;
    return leases.at(-1 - this.#random.int(Math.max(1, Math.min(4, leases.length)))) ?? 0;
  }

  #key(): string {
    return KEYS[this.#random.int(KEYS.length)] ?? 't0';
  }

  #some(max: number): undefined[] {
    return Array.from({ length: this.#random.int(max + 1) });
  }

  #shuffled(keys: readonly string[]): string[] {
    return keys
      .map((key) => [this.#random.float(), key] as const)
      .toSorted(([a], [b]) => a - b)
      .map(([, key]) => key);
  }

  #chance(share: number): boolean {
    return this.#random.float() < share;
  }

  #pick<T>(...choices: [T, ...T[]]): T {
    return choices[this.#random.int(choices.length)] ?? choices[0];
  }
}
