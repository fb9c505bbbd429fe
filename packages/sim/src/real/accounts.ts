import { LeasePromises } from '../checks/leases.ts';
import { Revisions } from '../checks/revisions.ts';
import { checkByRevision } from '../checks/serial-order.ts';
import { require } from '../checks/violation.ts';
import { WatchCheck } from '../checks/watch-check.ts';
import { checkKeys } from '../checks/wgl.ts';
import type { Operation, Seen } from '../clients/operation.ts';
import type { Received } from '../clients/received.ts';
import type { Chronicle } from './chronicle.ts';
import type { WatchedRange } from './real-watch.ts';

/** All that was seen of a real cluster between two moments of rest. */
export interface Story {
  /** Revision of the empty store at the beginning, and of the store at the end. */
  readonly base: number;
  readonly last: number;
  readonly operations: readonly Operation[];
  readonly chronicle: Chronicle;
  readonly watches: readonly { readonly range: WatchedRange; readonly log: readonly Received[] }[];
  readonly compactedMax: number;
  /** Whether a lease must last as long as its client was told. */
  readonly keepsLeases: boolean;
  /** Member → its whole content at the end. */
  readonly contents: ReadonlyMap<string, readonly Seen[]>;
}

export interface Sums {
  readonly operationCount: number;
  readonly answeredCount: number;
  readonly unknownCount: number;
  readonly revisionCount: number;
  readonly watchEventCount: number;
  readonly keysSearched: number;
}

/** Holds everything against everything. Throws `Violation`. */
export function accountsOf(story: Story): Sums {
  const { base, last, operations, chronicle } = story;
  const revisions = new Revisions(base);
  chronicle.write(revisions, last);
  const count = (outcome: Operation['outcome']): number =>
    operations.filter((operation) => operation.outcome === outcome).length;
  if (story.keepsLeases) checkLeases(story, revisions);
  const watchEventCount = checkWatches(story, revisions);
  checkByRevision(operations, revisions);
  checkContents(story, revisions);
  return {
    operationCount: operations.length,
    answeredCount: count('ok'),
    unknownCount: count('unknown'),
    revisionCount: last - base,
    watchEventCount,
    keysSearched: checkKeys(operations),
  };
}

/** Heard of later than it happened, never earlier: whoever is said to vanish too early, has. */
function checkLeases({ base, last, operations, chronicle }: Story, revisions: Revisions): void {
  const promises = new LeasePromises();
  for (const operation of operations) promises.asked(operation);
  for (const operation of operations.toSorted((a, b) => a.returnedMs - b.returnedMs))
    promises.answered(operation);
  for (let revision = base + 1; revision <= last; revision++)
    for (const change of revisions.at(revision)) promises.applied(change, chronicle.heardMs(revision));
}

function checkWatches({ watches, last, compactedMax }: Story, revisions: Revisions): number {
  let eventCount = 0;
  for (const { range, log } of watches) {
    const check = new WatchCheck({
      name: range.name,
      start: range.start,
      end: range.end,
      hasPrevKv: range.hasPrevKv,
      next: range.from,
      revisions,
      compactedMax: () => compactedMax,
    });
    for (const received of log) if (isWithin(received, last)) check.take(received);
    require(check.isCurrent(), 'watch', () => `${range.name} lacks what came after ${check.next - 1}`);
    eventCount += check.eventCount;
  }
  return eventCount;
}

/** Not from after the story's end. */
function isWithin({ type, revision, events }: Received, last: number): boolean {
  return type === 'events' ? (events.at(-1)?.revision ?? 0) <= last : type !== 'progress' || revision <= last;
}

function checkContents({ contents, last }: Story, revisions: Revisions): void {
  const real = revisions
    .range('a', 'z', last)
    .map(({ key, value, revision }) => `${key}=${value} m${revision}`)
    .join();
  for (const [member, found] of contents) {
    const told = found.map(({ key, value, modRevision }) => `${key}=${value} m${modRevision}`).join();
    require(told === real, 'content', () => `${member} holds [${told}], its history says [${real}]`);
  }
}
