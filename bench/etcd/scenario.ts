import type { FigureId } from './core/figures.ts';
import type { Results } from './core/results.ts';
import type { Scale } from './core/scale.ts';
import type { LoadClient } from './support/load-client.ts';

export type Cleanup = () => Promise<void> | void;

/** What a scenario gets from the program that runs it. */
export interface Bench {
  readonly client: LoadClient;
  readonly scale: Scale;
  readonly results: Results;
  readonly wants: (id: FigureId) => boolean;
  /** What goes wrong in there is told in the rows of these figures, and the rest goes on. */
  readonly attempt: (ids: readonly FigureId[], measure: () => Promise<void>) => Promise<void>;
  /** Called when the scenario ends, however it ends; the last one first. */
  readonly defer: (cleanup: Cleanup) => void;
  /** One line of progress. */
  readonly tell: (line: string) => void;
}

/** One way to set stores up, and the figures that can be measured there. */
export interface Scenario {
  readonly name: string;
  readonly figures: readonly FigureId[];
  run(bench: Bench): Promise<void>;
}
