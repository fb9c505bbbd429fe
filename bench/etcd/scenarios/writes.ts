import { type Operation, p50, p99, perCore, rate } from '../support/operations.ts';

export const common = { keys: 500, valueBytes: 256 };

/** What is written to one member, and to three. */
export function writes(members: 1 | 3): readonly Operation[] {
  return [
    {
      mode: 'put',
      options: { ...common, connections: 64 },
      gives: [[`put-${members}-64`, rate], ...(members === 1 ? ([['put-core', perCore]] as const) : [])],
    },
    { mode: 'put', options: { ...common, connections: 256 }, gives: [[`put-${members}-256`, rate]] },
    // One at a time warms nothing up: a program that compiles as it runs is still at it after a thousand puts.
    {
      mode: 'put',
      options: common,
      gives: [
        [`put-${members}-p50`, p50],
        [`put-${members}-p99`, p99],
      ],
    },
    {
      mode: 'txn',
      // Each request has keys of its own, so that no comparison fails.
      options: { ...common, connections: 64, keys: 640, prefix: '/registry/txn/' },
      gives: [[`txn-${members}`, rate]],
    },
  ];
}
