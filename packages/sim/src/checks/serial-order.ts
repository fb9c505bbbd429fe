import { type Operation, describeRequest, type Seen } from '../clients/operation.ts';
import type { Change, Revisions } from './revisions.ts';
import { checkRefusals } from './refusals.ts';
import { checkRich, deletionsOf, valuesOf } from './rich-order.ts';
import type { TxnSpec } from '../clients/rich-request.ts';
import { require } from './violation.ts';

/**
 * Strict serializability by the store's own witness: revisions are a legal serial order of all operations, and
 * that order respects real time. Operations without an answer count if their effect is there; what is there
 * must be somebody's doing.
 */
export function checkByRevision(operations: readonly Operation[], revisions: Revisions): void {
  const answered = operations.filter(({ outcome, answer }) => outcome === 'ok' && answer !== undefined);
  for (const operation of answered) checkAnswer(operation, revisions);
  for (const operation of operations) checkRefused(operation, revisions);
  checkRealTime(operations, revisions);
  checkCauses(operations, revisions);
  checkRich(operations, revisions);
  checkRefusals(operations);
}

/** The answer is what a store without faults would have said at that revision. */
function checkAnswer(operation: Operation, revisions: Revisions): void {
  const { request, answer } = operation;
  if (answer === undefined) return;
  const { revision } = answer;
  const wrong = (what: string) => () =>
    `${describeRequest(request)} was answered at revision ${revision}: ${what}`;
  const same = (name: string, told: readonly Seen[] | undefined, real: readonly Change[]): void => {
    const [a, b] = [told ?? [], real].map(textOf);
    require(a === b, 'wrong-answer', wrong(`${name} is said to be [${a}], is [${b}]`));
  };
  const changes = revisions.at(revision);
  require(revision <= revisions.last, 'wrong-answer', wrong('that revision is in no member'));
  if (request.type === 'get')
    same('content', answer.found, revisions.range(request.key, request.end, revision));
  if (request.type === 'put') {
    require(isPutOf(changes, request), 'lost-write', wrong('the revision holds something else'));
    same('previous', answer.previous, before(request.key, undefined, revision, revisions));
  }
  if (request.type === 'cas') {
    const at = answer.succeeded === true ? revision - 1 : revision;
    const mod = revisions.get(request.key, at)?.revision ?? 0;
    require((mod === request.expected) === (answer.succeeded === true), 'wrong-answer', wrong(
      `mod revision was ${mod}, and it ${answer.succeeded === true ? 'succeeded' : 'failed'}`,
    ));
    if (answer.succeeded === true)
      require(isPutOf(changes, request), 'lost-write', wrong('the revision holds something else'));
    else same('content', answer.found, revisions.range(request.key, undefined, revision));
  }
  if (request.type === 'delete') {
    const deleted = answer.previous ?? [];
    if (deleted.length === 0) {
      same('content', [], revisions.range(request.key, request.end, revision));
      return;
    }
    same('previous', deleted, before(request.key, request.end, revision, revisions));
    const keys = changes.filter(({ value }) => value === undefined).map(({ key }) => key);
    require(keys.join() === deleted.map(({ key }) => key).join(), 'lost-write', wrong(
      `it deleted ${keys.join()}`,
    ));
  }
}

function checkRefused({ outcome, request }: Operation, revisions: Revisions): void {
  if (outcome !== 'refused') return;
  for (const value of valuesOf(request)) {
    const revision = revisions.revisionOf(value);
    require(revision === undefined, 'refused-and-done', () =>
      `${describeRequest(request)} was refused, and is revision ${revision}`);
  }
}

/** What had been answered before another began comes before it; strictly, if that one writes. */
function checkRealTime(operations: readonly Operation[], revisions: Revisions): void {
  const timed = operations
    .map((operation) => ({ operation, revision: placeOf(operation, revisions) }))
    .filter(({ revision }) => revision !== undefined);
  const byEnd = timed.toSorted((a, b) => a.operation.returnedMs - b.operation.returnedMs);
  let ended = 0;
  let latest: { operation: Operation; revision: number | undefined } | undefined;
  for (const begun of timed.toSorted((a, b) => a.operation.invokedMs - b.operation.invokedMs)) {
    for (; (byEnd[ended]?.operation.returnedMs ?? Infinity) < begun.operation.invokedMs; ended++) {
      const candidate = byEnd[ended];
      if (isStale(candidate?.operation)) continue;
      if ((candidate?.revision ?? 0) > (latest?.revision ?? 0)) latest = candidate;
    }
    if (latest === undefined || isStale(begun.operation)) continue;
    const [first, second] = [latest.revision ?? 0, begun.revision ?? 0];
    const isLegal = isWrite(begun.operation, revisions) ? first < second : first <= second;
    const { operation } = latest;
    require(isLegal, 'real-time', () =>
      `${describeRequest(begun.operation.request)} at ${begun.operation.invokedMs.toFixed(3)} ms has revision ` +
      `${second}, but ${describeRequest(operation.request)} had been answered before with ${first}`);
  }
}

/** Every revision is somebody's doing: an operation's, or a lease's that ran out. */
function checkCauses(operations: readonly Operation[], revisions: Revisions): void {
  const written = new Set<string>();
  for (const { request } of operations) for (const value of valuesOf(request)) written.add(value);
  const deletions = operations.flatMap((operation) =>
    operation.outcome === 'refused'
      ? []
      : deletionsOf(operation.request).map((range) => ({ ...operation, range })),
  );
  for (let revision = 2; revision <= revisions.last; revision++) {
    for (const change of revisions.at(revision)) {
      const { key, value, previous } = change;
      const isCaused =
        value !== undefined
          ? written.has(value)
          : previous?.lease !== 0 ||
            deletions.some(({ range, outcome, answer }) => {
              const covers =
                range.end === undefined ? key === range.key : key >= range.key && key < range.end;
              return covers && (outcome !== 'ok' || answer?.revision === revision);
            });
      require(isCaused, 'no-cause', () => `revision ${revision} changes ${key}, and nobody asked for it`);
    }
  }
}

const PLACELESS: ReadonlySet<Operation['request']['type']> = new Set([
  'grant',
  'keep-alive',
  'revoke',
  'compact',
  'time-to-live',
  'leases',
  'hash-kv',
  'disarm',
  'role',
]);

/** Where an operation stands in the order; undefined: nowhere, as far as anybody can tell. */
function placeOf({ outcome, answer, request }: Operation, revisions: Revisions): number | undefined {
  if (PLACELESS.has(request.type)) return undefined;
  if (outcome === 'ok') return answer?.revision;
  return valuesOf(request)
    .map((value) => revisions.revisionOf(value))
    .find((revision) => revision !== undefined);
}

function isWrite({ request, answer, outcome }: Operation, revisions: Revisions): boolean {
  if (outcome !== 'ok') return true;
  if (request.type === 'delete') return (answer?.previous?.length ?? 0) > 0;
  if (request.type === 'txn') return answer?.hasWritten === true;
  return (
    request.type === 'put' || (request.type === 'cas' && revisions.revisionOf(request.value) !== undefined)
  );
}

function isStale(operation: Operation | undefined): boolean {
  if (operation?.request.type === 'txn') return isEmpty(operation.request.txn);
  if (operation?.request.type === 'range') return operation.request.range.isSerializable;
  return operation?.request.type === 'get' && operation.request.serializable;
}

/** To etcd a transaction without operations is serializable, whatever it compares. */
function isEmpty({ success, failure }: TxnSpec): boolean {
  return success.length === 0 && failure.length === 0;
}

function isPutOf(changes: readonly Change[], { key, value }: { key: string; value: string }): boolean {
  return changes.length === 1 && changes[0]?.key === key && changes[0].value === value;
}

function before(key: string, end: string | undefined, revision: number, revisions: Revisions): Change[] {
  return revisions.range(key, end, revision - 1);
}

function textOf(kvs: readonly (Seen | Change)[]): string {
  return kvs
    .map((kv) => {
      const mod = 'modRevision' in kv ? kv.modRevision : kv.revision;
      return `${kv.key}=${kv.value} m${mod} c${kv.createRevision} v${kv.version}`;
    })
    .join(', ');
}
