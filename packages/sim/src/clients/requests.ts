import type { Random } from '@kubelab/component-base';
import type { Request } from './operation.ts';
import type { RichRequest } from './rich-request.ts';
import { RichRequests } from './rich-requests.ts';

/** What all clients of one store know: leases to hang keys on, the newest revision anybody has seen. */
export interface Shared {
  readonly leases: number[];
  revision: number;
  /** The largest that was asked for. */
  compactedMax: number;
}

export interface Habits {
  /** Of leases; default 1. */
  readonly leaseSeconds?: number;
  /** Compactions keep at least so many of the newest revisions; default 0. */
  readonly compactLag?: number;
}

const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];
/** These hang on leases, and are never deleted by clients. */
const LEASED_KEYS = ['e0', 'e1', 'e2'];

/** Makes up what one client asks next. No two clients of a run have the same name. */
export class Requests {
  readonly #name: string;
  readonly #random: Random;
  readonly #shared: Shared;
  readonly #habits: Habits;
  readonly #rich: RichRequests;
  #writeCount = 0;
  /** Key → mod revision as last read here. */
  readonly #known = new Map<string, number>();

  constructor(name: string, random: Random, shared: Shared, habits: Habits = {}) {
    this.#name = name;
    this.#random = random;
    this.#shared = shared;
    this.#habits = habits;
    this.#rich = new RichRequests(random, shared, () => this.#value());
  }

  /** The client has seen this version of a key. */
  saw(key: string, modRevision: number): void {
    this.#known.set(key, modRevision);
  }

  /** One that changes something, whatever the dice say. */
  probe(): Request {
    return this.#put('k0', 0);
  }

  /** One of any shape. */
  rich(): Request | RichRequest {
    return this.#rich.next();
  }

  next(): Request {
    const random = this.#random;
    const shared = this.#shared;
    const { leaseSeconds, compactLag } = this.#habits;
    const key = KEYS[random.int(KEYS.length)] ?? 'k0';
    const end = random.float() < 0.2 ? 'k9' : undefined;
    const dice = random.float();
    if (dice < 0.35) return this.#put(key, 0);
    if (dice < 0.55) return { type: 'get', key, end, serializable: false };
    if (dice < 0.6) return { type: 'get', key, end, serializable: true };
    if (dice < 0.7) return { type: 'delete', key, end };
    if (dice < 0.83) {
      const expected = random.float() < 0.2 ? 0 : (this.#known.get(key) ?? 0);
      return { type: 'cas', key, expected, value: this.#value() };
    }
    if (dice < 0.88) {
      const revision = Math.max(1, shared.revision - (compactLag ?? 0) - random.int(15));
      shared.compactedMax = Math.max(shared.compactedMax, revision);
      return { type: 'compact', revision };
    }
    if (dice < 0.91 || shared.leases.length === 0)
      return { type: 'grant', lease: 1 + random.int(2 ** 31), ttlSeconds: leaseSeconds ?? 1 };
    const lease = shared.leases[random.int(shared.leases.length)] ?? 0;
    if (dice < 0.94) return { type: 'keep-alive', lease };
    return this.#put(LEASED_KEYS[random.int(LEASED_KEYS.length)] ?? 'e0', lease);
  }

  #put(key: string, lease: number): Request {
    return { type: 'put', key, value: this.#value(), lease };
  }

  /** Nobody else ever writes this one. */
  #value(): string {
    const padding = this.#random.float() < 0.15 ? '-'.repeat(this.#random.int(2000)) : '';
    return `${this.#name}-${this.#writeCount++}${padding}`;
  }
}
