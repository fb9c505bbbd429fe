import type { Scenario } from '../scenario.ts';
import { figuresIn, measureOperations } from '../support/operations.ts';
import { alternate } from '../support/rounds.ts';
import { writes } from './writes.ts';

const OPERATIONS = writes(3);

/** Puts and transactions at the leader of three. */
export const threeMembers: Scenario = {
  name: 'three members',
  figures: figuresIn(OPERATIONS),
  run: (bench) =>
    alternate(bench, { rounds: bench.scale.rounds, members: 3, name: 'three members' }, (store) =>
      measureOperations(bench, store, OPERATIONS),
    ),
};
