import { errors } from '@kubelab/api';
import type { RequestInfo } from './request-info.ts';
import { GROUP_MASTERS, GROUP_NODES, type User } from './user.ts';

/** Upstream's numbers: requests under way at once. */
export const INFLIGHT_LIMITS = { readOnly: 400, mutating: 200 } as const;

const READING = new Set(['get', 'list', 'head', 'options']);
/** These stay open as long as the client wants: they are not counted. */
const LONG_RUNNING = new Set(['exec', 'attach', 'portforward', 'log', 'proxy']);

/**
 * Bounds the requests under way. Beyond it: 429 with `Retry-After: 1`, which clients know how to wait for.
 * Administrators, kubelets and probes always get in: they are who repairs an overloaded cluster, or keeps it
 * from being taken for dead.
 */
export class InflightLimiter {
  #readOnly = 0;
  #mutating = 0;
  readonly #limits: { readonly readOnly: number; readonly mutating: number };

  constructor(limits: { readonly readOnly: number; readonly mutating: number } = INFLIGHT_LIMITS) {
    this.#limits = limits;
  }

  get readOnly(): number {
    return this.#readOnly;
  }

  get mutating(): number {
    return this.#mutating;
  }

  /** Counts the request in; the returned function counts it out. Throws 429. */
  enter(info: RequestInfo, user: User): () => void {
    if (info.verb === 'watch' || LONG_RUNNING.has(info.subresource)) return noop;
    const isReading = READING.has(info.verb);
    if (
      !isExempt(info, user) &&
      (isReading ? this.#readOnly >= this.#limits.readOnly : this.#mutating >= this.#limits.mutating)
    ) {
      throw errors.tooManyRequests('too many requests, please try again later', 1);
    }
    if (isReading) this.#readOnly++;
    else this.#mutating++;
    return () => {
      if (isReading) this.#readOnly--;
      else this.#mutating--;
    };
  }
}

function isExempt(info: RequestInfo, user: User): boolean {
  return !info.isResource || user.groups.includes(GROUP_MASTERS) || user.groups.includes(GROUP_NODES);
}

function noop(): void {}
