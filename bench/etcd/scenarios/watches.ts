import type { Scenario } from '../scenario.ts';
import { figuresIn, measureOperations, type Operation, p99, perCore } from '../support/operations.ts';
import { alternate } from '../support/rounds.ts';

/** 1000 watches of the same keys, on 10 connections. */
const watches = { connections: 10, watches: 100, keys: 100, valueBytes: 256 };

const OPERATIONS: readonly Operation[] = [
  { mode: 'watch', options: watches, gives: [['watch-core', perCore]] },
  { mode: 'watch', options: { ...watches, rate: 100 }, gives: [['watch-p99', p99]] },
  { mode: 'watch', options: { ...watches, separateStreams: true }, gives: [['streams-core', perCore]] },
];

/** One writer, every put an event to every watch. Not over before each watch has got everything. */
export const watchFanOut: Scenario = {
  name: 'watches',
  figures: figuresIn(OPERATIONS),
  run: (bench) =>
    alternate(bench, { rounds: bench.scale.rounds, members: 1, name: 'watches' }, (store) =>
      measureOperations(bench, store, OPERATIONS),
    ),
};
