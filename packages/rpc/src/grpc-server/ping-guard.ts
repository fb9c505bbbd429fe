/** Pings in excess that are forgiven. */
const STRIKES_MAX = 2;
/** How often a client without any call may ping, as gRPC has it. */
const IDLE_PING_MIN_MS = 2 * 60 * 60 * 1000;

/**
 * Whether a client pings more often than agreed, by gRPC's rules: each ping that comes too early is a strike, and
 * whenever the server has sent something the count begins anew.
 */
export class PingGuard {
  readonly #minMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  #isForgiven = false;

  /** 0: as often as they like. */
  constructor(minMs: number) {
    this.#minMs = minMs;
  }

  /** A message went out. */
  sent(): void {
    this.#isForgiven = true;
  }

  /** True: it was one too many. */
  pinged(nowMs: number, hasCalls: boolean): boolean {
    const minMs = hasCalls ? this.#minMs : IDLE_PING_MIN_MS;
    const isEarly = !this.#isForgiven && nowMs < this.#lastMs + minMs;
    if (this.#isForgiven) this.#strikes = 0;
    else if (isEarly) this.#strikes++;
    this.#isForgiven = false;
    this.#lastMs = nowMs;
    return this.#minMs > 0 && this.#strikes > STRIKES_MAX;
  }
}
