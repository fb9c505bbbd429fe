import { type Clock, type Logger, type Timer, unreachable } from '@kubelab/component-base';

/** How to start one process. */
export interface ProcessSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Both outputs are appended to it; inherited without one. */
  readonly logFile?: string | undefined;
  /** A cgroup (path below each hierarchy's root) that holds all of it: paused and killed as one. */
  readonly cgroup?: string | undefined;
  /** In the process group of its keeper, so that it dies with it; else in one of its own. */
  readonly sharesGroup?: boolean | undefined;
  /** How long it may take to end by itself before it is killed; default 10 s. */
  readonly stopTimeoutMs?: number | undefined;
}

/** A process that runs. */
export interface RunningProcess {
  readonly pid: number;
  /** Resolves when it has ended, with a word on how: `exit 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  pause(): void;
  resume(): void;
}

export type Spawn = (name: string, spec: ProcessSpec) => RunningProcess;

/** `down` by request; `waiting` for its next start after it ended by itself. */
export type KeptState = 'running' | 'paused' | 'waiting' | 'down';

export interface KeptProcess {
  readonly name: string;
  readonly state: KeptState;
  readonly pid?: number | undefined;
  readonly restarts: number;
  /** How it ended last. */
  readonly lastEnd?: string | undefined;
}

interface Kept {
  spec: ProcessSpec;
  state: KeptState;
  process?: RunningProcess | undefined;
  restarts: number;
  backoffMs: number;
  startedMs: number;
  timer?: Timer | undefined;
  /** Started again while the old process was still ending. */
  startAtEnd?: boolean;
  lastEnd?: string | undefined;
}

const BACKOFF_MIN_MS = 1000;
const BACKOFF_MAX_MS = 30_000;
/** Having run this long, it starts from the shortest back-off again. */
const STEADY_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/**
 * Keeps processes running.
 * KEEP-1: one that ends by itself is started again after a back-off of 1 to 30 s.
 * KEEP-2: after `stop` and `kill` it stays down until `start`.
 * KEEP-3: there is never more than one process of a name.
 */
export class Keeper {
  readonly #spawn: Spawn;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #kept = new Map<string, Kept>();

  constructor(spawn: Spawn, clock: Clock, log: Logger) {
    this.#spawn = spawn;
    this.#clock = clock;
    this.#log = log;
  }

  list(): KeptProcess[] {
    return [...this.#kept].map(([name, { state, process, restarts, lastEnd }]) => ({
      name,
      state,
      pid: process?.pid,
      restarts,
      lastEnd,
    }));
  }

  /** Starts it, or leaves it as it runs. */
  start(name: string, spec: ProcessSpec): void {
    const kept = this.#kept.get(name) ?? this.#new(spec);
    this.#kept.set(name, kept);
    kept.spec = spec;
    if (kept.state === 'running') return;
    if (kept.state === 'paused') {
      this.resume(name);
      return;
    }
    kept.timer?.cancel();
    kept.backoffMs = BACKOFF_MIN_MS;
    this.#run(name, kept);
  }

  /** Asks it to end; kills it when it does not within its time. Resolves when it is gone. */
  async stop(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    if (kept.state === 'paused') kept.process?.resume();
    const process = this.#putDown(kept);
    if (process === undefined) return;
    const timer = this.#clock.setTimer(kept.spec.stopTimeoutMs ?? STOP_TIMEOUT_MS, () =>
      process.signal('SIGKILL'),
    );
    process.signal('SIGTERM');
    await process.ended;
    timer.cancel();
  }

  /** Ends it at once, as a crash would. Resolves when it is gone. */
  async kill(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    const process = kept === undefined ? undefined : this.#putDown(kept);
    process?.signal('SIGKILL');
    await process?.ended;
  }

  pause(name: string): void {
    const kept = this.#kept.get(name);
    if (kept?.state !== 'running') return;
    kept.process?.pause();
    kept.state = 'paused';
  }

  resume(name: string): void {
    const kept = this.#kept.get(name);
    if (kept?.state !== 'paused') return;
    kept.process?.resume();
    kept.state = 'running';
  }

  /** Stops everything, the last started first; what `groupOf` puts together ends together. */
  async stopAll(groupOf: (name: string) => string = (name) => name): Promise<void> {
    const groups = Map.groupBy(this.#kept.keys(), groupOf);
    for (const names of [...groups.values()].toReversed())
      await Promise.all(names.map((name) => this.stop(name)));
  }

  #new(spec: ProcessSpec): Kept {
    return { spec, state: 'down', restarts: 0, backoffMs: BACKOFF_MIN_MS, startedMs: 0 };
  }

  #putDown(kept: Kept): RunningProcess | undefined {
    kept.timer?.cancel();
    kept.startAtEnd = false;
    kept.state = 'down';
    return kept.process;
  }

  #run(name: string, kept: Kept): void {
    kept.state = 'running';
    if (kept.process !== undefined) {
      kept.startAtEnd = true;
      return;
    }
    const process = this.#spawn(name, kept.spec);
    kept.process = process;
    kept.startedMs = this.#clock.monotonic();
    void process.ended.then((how) => this.#onEnd(name, kept, how));
  }

  #onEnd(name: string, kept: Kept, how: string): void {
    kept.process = undefined;
    kept.lastEnd = how;
    if (kept.startAtEnd === true && kept.state === 'running') {
      kept.startAtEnd = false;
      this.#run(name, kept);
      return;
    }
    switch (kept.state) {
      case 'down':
      case 'waiting':
        return;
      case 'running':
      case 'paused': {
        if (this.#clock.monotonic() - kept.startedMs >= STEADY_MS) kept.backoffMs = BACKOFF_MIN_MS;
        const delayMs = kept.backoffMs;
        kept.backoffMs = Math.min(BACKOFF_MAX_MS, delayMs * 2);
        kept.state = 'waiting';
        kept.restarts++;
        this.#log.warn('ended by itself; starting again', { process: name, how, delayMs });
        kept.timer = this.#clock.setTimer(delayMs, () => this.#run(name, kept));
        return;
      }
      default:
        unreachable(kept.state);
    }
  }
}
