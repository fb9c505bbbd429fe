import type { DriverName } from '../support/drivers.ts';

export type Unit = 's' | 'ms' | 'MB' | '% of a core' | '/s' | 'µs' | '×';

/** One figure. Without a value it was not measured: `skipped` or `failed` says why. */
export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly value?: number;
  /** The stated figure: at this value or below it is met. */
  readonly atMost?: number;
  readonly skipped?: string;
  readonly failed?: string;
  /** What a reader needs beside the number. */
  readonly note?: string;
  /** Every single value, in the order measured; goes into the JSON. */
  readonly samples?: readonly number[];
}

/** What a measure gets from the program that runs it. */
export interface BenchContext {
  /** Drivers that work on this machine, and why the others do not. */
  readonly drivers: ReadonlyMap<DriverName, string | undefined>;
  /** Called when the measure ends, however it ends; the last one first. */
  defer(cleanup: () => Promise<void> | void): void;
  /** One line of progress. */
  tell(line: string): void;
}

export interface Measure {
  readonly name: string;
  readonly summary: string;
  run(context: BenchContext): Promise<readonly Row[]>;
}

export type Verdict = 'met' | 'missed' | 'skipped' | 'failed' | '';

/** Empty where there is no stated figure: the value speaks for itself. */
export function verdictOf({ value, atMost, failed }: Row): Verdict {
  if (failed !== undefined) return 'failed';
  if (value === undefined) return 'skipped';
  if (atMost === undefined) return '';
  return value <= atMost ? 'met' : 'missed';
}
