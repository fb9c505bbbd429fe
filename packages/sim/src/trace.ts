import { createHash } from 'node:crypto';

export interface TraceLine {
  readonly timeMs: number;
  readonly node: string;
  readonly event: string;
  readonly role: string;
  readonly term: number;
  readonly commit: number;
  readonly note: string;
}

export const TRACE_HEADER = columns('time ms', 'node', 'event', 'role', 'term', 'commit', 'note');

/** Everything that happened, as lines of fixed columns; their hash is the run's identity (SIM-1). */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #onLine: ((line: string, event: string) => void) | undefined;
  lineCount = 0;

  constructor(onLine?: (line: string, event: string) => void) {
    this.#onLine = onLine;
  }

  add({ timeMs, node, event, role, term, commit, note }: TraceLine): void {
    const line = columns(
      timeMs.toFixed(3),
      node,
      event,
      role,
      term === 0 ? '' : String(term),
      commit === 0 ? '' : String(commit),
      note,
    );
    this.lineCount++;
    this.#hash.update(line).update('\n');
    this.#onLine?.(line, event);
  }

  /** Ends it. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

function columns(...[time, node, event, role, term, commit, note]: readonly string[]): string {
  return [
    time?.padStart(10),
    node?.padEnd(4),
    event?.padEnd(16),
    role?.padEnd(13),
    term?.padStart(4),
    commit?.padStart(6),
    note,
  ]
    .join('  ')
    .trimEnd();
}
