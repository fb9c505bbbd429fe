import type { Scenario } from '../scenario.ts';
import {
  figuresIn,
  itemsPerCore,
  measureOperations,
  type Operation,
  p99,
  perCore,
} from '../support/operations.ts';
import { alternate } from '../support/rounds.ts';
import { common, writes } from './writes.ts';

const many = { ...common, connections: 64 };

/**
 * Reads come before writes, and on a server just started: etcd 3.4's reads get slow after a burst of writes
 * and stay so. A list has all the keys.
 */
const OPERATIONS: readonly Operation[] = [
  { mode: 'get', options: { ...many, serializable: true }, gives: [['get-serializable', perCore]] },
  { mode: 'get', options: many, gives: [['get-linearizable', perCore]] },
  {
    mode: 'list',
    options: { ...common, connections: 4, limit: common.keys },
    gives: [['list', itemsPerCore]],
  },
  { mode: 'get', options: { ...many, writers: 1 }, gives: [['get-p99-writer', p99]] },
  ...writes(1),
];

/** Reads, puts and transactions at a single member. */
export const oneMember: Scenario = {
  name: 'one member',
  figures: figuresIn(OPERATIONS),
  run: (bench) =>
    alternate(bench, { rounds: bench.scale.rounds, members: 1, name: 'one member' }, async (store) => {
      const member = await store.leader();
      const fill = { ...common, count: common.keys, connections: 4, streams: 8 };
      await bench.client.run('put', { endpoints: [member.endpoint], ...fill });
      await store.endMember(member, 'SIGTERM');
      store.startMember(member);
      await measureOperations(bench, store, OPERATIONS);
    }),
};
