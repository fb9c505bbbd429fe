export interface SimulationOptions {
  readonly seed: number;
  /** Events before the world is healed. */
  readonly eventCount: number;
  readonly onLine?: (line: string, event: string) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** SHA-256 of the trace. */
  readonly digest: string;
  readonly eventCount: number;
  readonly simulatedMs: number;
  readonly revision: number;
  readonly operationCount: number;
  readonly answeredCount: number;
  readonly watchEventCount: number;
  readonly leaderCount: number;
  readonly keysSearched: number;
  /** After a crash, only a machine that the operator had given up knew who the members were. */
  readonly isLost: boolean;
}

/** The disk failed: a process ends, and may come back. */
export function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'ENOSPC');
}

export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
