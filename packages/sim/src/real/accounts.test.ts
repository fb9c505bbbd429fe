import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operation, Request, Seen } from '../clients/operation.ts';
import type { Received, SeenEvent } from '../clients/received.ts';
import { accountsOf, type Story } from './accounts.ts';
import { Chronicle } from './chronicle.ts';

const BASE = 10;
const event = (revision: number, value: string | undefined, version: number, lease = 0): SeenEvent => {
  const createRevision = value === undefined ? 0 : BASE + 1;
  return { key: 'k1', value, revision, createRevision, version, lease, previous: undefined };
};
const A = event(11, 'a', 1);
const B = event(12, 'b', 2);
const told = (...events: SeenEvent[]): Received => ({
  type: 'events',
  revision: 12,
  events,
  compactRevision: 0,
});
const seen = ({ revision, value = '', ...rest }: SeenEvent): Seen => ({
  ...rest,
  value,
  modRevision: revision,
});

function put(value: string, revision: number, previous: readonly Seen[], at = revision): Operation {
  const request: Request = { type: 'put', key: 'k1', value, lease: 0 };
  const answer = { revision, previous };
  return { client: 1, request, invokedMs: at, returnedMs: at + 0.5, outcome: 'ok', answer };
}

interface Telling {
  readonly members?: Readonly<Record<string, readonly SeenEvent[]>>;
  readonly operations?: readonly Operation[];
  readonly contents?: readonly (readonly Seen[])[];
  readonly log?: readonly Received[];
  readonly heardMs?: number;
}

/** Two puts, told by two members, and what may be wrong with it. */
function story({
  members = { m1: [A, B], m2: [A, B] },
  operations,
  contents,
  log,
  heardMs = 20,
}: Telling): Story {
  const chronicle = new Chronicle(BASE);
  for (const [member, events] of Object.entries(members)) chronicle.heard(member, told(...events), heardMs);
  const range = { name: 'w', start: 'k0', end: 'k9', hasPrevKv: false, from: BASE + 1 };
  return {
    base: BASE,
    last: 12,
    operations: operations ?? [put('a', 11, []), put('b', 12, [seen(A)])],
    chronicle,
    watches: [{ range, log: log ?? [told(A), told(B)] }],
    compactedMax: 0,
    keepsLeases: true,
    contents: new Map((contents ?? [[seen(B)], [seen(B)]]).map((content, i) => [`m${i + 1}`, content])),
  };
}

const leased = event(11, 'a', 1, 7);
const gone = event(12, undefined, 0);
const lease = (type: 'grant' | 'revoke', invokedMs: number): Operation => {
  const request: Request = type === 'grant' ? { type, lease: 7, ttlSeconds: 2 } : { type, lease: 7 };
  const answer = { revision: 11, ttlSeconds: 2 };
  return { client: 1, request, invokedMs, returnedMs: invokedMs + 1, outcome: 'ok', answer };
};
const leasedPut: Operation = {
  ...put('a', 11, []),
  request: { type: 'put', key: 'k1', value: 'a', lease: 7 },
};
const expiry = (heardMs: number, more: readonly Operation[] = []): Telling => ({
  members: { m1: [leased, gone] },
  operations: [lease('grant', 0), leasedPut, ...more],
  contents: [[]],
  log: [told(leased), told(gone)],
  heardMs,
});

const cases: readonly [string, Telling, RegExp | undefined][] = [
  ['a true story', {}, undefined],
  ['an acknowledged write is in no history', { members: { m1: [A] } }, /no member tells of revision 12/],
  [
    'members tell of different writes',
    { members: { m1: [A, B], m2: [A, event(12, 'c', 2)] } },
    /state-machine/,
  ],
  ['a member tells a revision twice', { members: { m1: [A, B], m2: [A, B, B] } }, /state-machine/],
  [
    'a write is applied twice',
    {
      members: { m1: [A, event(12, 'a', 2)] },
      operations: [put('a', 11, [])],
      log: [told(A), told(event(12, 'a', 2))],
      contents: [[seen(event(12, 'a', 2))]],
    },
    /applied-twice/,
  ],
  ['a watch was not told the last write', { log: [told(A)] }, /watch: w lacks/],
  ['a watch was told twice', { log: [told(A), told(A, B)] }, /watch: w at 12/],
  ['a member holds something else in the end', { contents: [[seen(B)], [seen(A)]] }, /content: m2/],
  ['a member holds nothing in the end', { contents: [[seen(B)], []] }, /content: m2/],
  [
    'an acknowledged write was lost to another',
    { operations: [put('a', 11, []), put('c', 12, [seen(A)])] },
    /lost-write|no-cause/,
  ],
  ['a write that nobody asked for', { operations: [put('a', 11, [])] }, /no-cause/],
  [
    'revisions against real time',
    { operations: [put('a', 11, [], 30), put('b', 12, [seen(A)], 12)] },
    /real-time/,
  ],
  ['a lease that runs out in time', expiry(2500), undefined],
  ['a lease that runs out early', expiry(1500), /lease-early/],
  ['a lease that was revoked', expiry(1500, [lease('revoke', 1400)]), undefined],
  ['a lease that vanishes before it is revoked', expiry(1500, [lease('revoke', 1600)]), /lease-early/],
];

describe('the accounts of real processes', () => {
  for (const [name, telling, wrong] of cases) {
    test(name, () => {
      if (wrong === undefined) accountsOf(story(telling));
      else assert.throws(() => accountsOf(story(telling)), wrong);
    });
  }
});
