import { describeRequest, type Operation } from '../clients/operation.ts';
import { type PutSpec, type TxnSpec, writesOf } from '../clients/rich-request.ts';
import { runRange, runTxn } from './model.ts';
import { describeChanges, type Revisions } from './revisions.ts';
import { require } from './violation.ts';

/** Requests of any shape were answered, and did, what the model says; also those without an answer, if they did anything. */
export function checkRich(operations: readonly Operation[], revisions: Revisions): void {
  const hashes = new Map<string, number>();
  for (const operation of operations) {
    const { request, outcome } = operation;
    if (request.type === 'txn' && outcome !== 'refused') checkTxn(operation, request.txn, revisions);
    if (outcome !== 'ok' || operation.answer === undefined) continue;
    const { text = '', revision, hash = 0, keys = [] } = operation.answer;
    if (request.type === 'range') {
      const expected = runRange(revisions, revision, request.range);
      require(text === expected, 'wrong-answer', () =>
        `${describeRequest(request)} at revision ${revision}: ${text}, expected ${expected}`);
    }
    if (request.type === 'hash-kv') {
      const known = hashes.get(text) ?? hash;
      hashes.set(text, hash);
      require(known === hash, 'hash-kv', () => `two hashes of revisions ${text}: ${known} and ${hash}`);
    }
    if (request.type === 'time-to-live') {
      for (const key of keys)
        require(revisions.hasHung(key, request.lease), 'wrong-answer', () =>
          `${key} is said to hang on lease ${request.lease}, and never did`);
    }
  }
  checkEchoes(operations, revisions);
}

/** The values that only this request writes, if it does. */
export function valuesOf(request: Operation['request']): string[] {
  if (request.type === 'put' || request.type === 'cas') return [request.value];
  if (request.type !== 'txn') return [];
  return writesOf(request.txn).flatMap((spec) => (spec.op === 'put' && !spec.keepsValue ? [spec.value] : []));
}

/** The ranges that it deletes, or may. */
export function deletionsOf(
  request: Operation['request'],
): { readonly key: string; readonly end: string | undefined }[] {
  if (request.type === 'delete') return [request];
  if (request.type !== 'txn') return [];
  return writesOf(request.txn).flatMap((spec) => (spec.op === 'delete' ? [spec] : []));
}

function checkTxn({ request, outcome, answer }: Operation, txn: TxnSpec, revisions: Revisions): void {
  const isKnown = outcome === 'ok' && answer !== undefined;
  const placed = isKnown
    ? answer.revision
    : valuesOf(request)
        .map((value) => revisions.revisionOf(value))
        .find((revision) => revision !== undefined);
  if (placed === undefined) return;
  const hasWritten = !isKnown || answer.hasWritten === true;
  const model = runTxn(revisions, hasWritten ? placed - 1 : placed, txn);
  if (isKnown)
    require(answer.text === model.text, 'wrong-answer', () =>
      `${describeRequest(request)} at revision ${placed}: ${answer.text}, expected ${model.text}`);
  const done = hasWritten ? describeChanges(revisions.at(placed)) : '';
  const expected = describeChanges(model.changes);
  require(done === expected, 'half-done', () =>
    `${describeRequest(request)} is revision ${placed}: ${done}, expected ${expected}`);
}

/** A transaction that may have put values again that were there. */
interface Keeper {
  readonly keys: ReadonlySet<string>;
  /** Without an answer it may have happened, once, anywhere. */
  readonly revision: number | undefined;
}

/**
 * A value that came twice came from a put that keeps the value: of the transaction that has this revision, or else of
 * one without an answer, each of which accounts for one revision.
 */
export function checkEchoes(operations: readonly Operation[], revisions: Revisions): void {
  const keepers = operations.flatMap(({ request, outcome, answer }): Keeper[] => {
    if (request.type !== 'txn' || outcome === 'refused') return [];
    if (outcome === 'ok' && answer?.hasWritten !== true) return [];
    const keys = new Set(
      writesOf(request.txn)
        .filter(isKeeper)
        .map(({ key }) => key),
    );
    return [{ keys, revision: outcome === 'ok' ? answer?.revision : undefined }];
  });
  const unanswered = keepers.filter(({ revision }) => revision === undefined);
  const causes = new Map<Keeper, Echo>();
  for (const echo of echoesOf(revisions)) {
    const isKnown = keepers.some((keeper) => keeper.revision === echo.revision && hasPut(keeper, echo));
    require(isKnown || findCause(echo, unanswered, causes, new Set()), 'applied-twice', () =>
      `${echo.values.join(', ')} was written again, in revision ${echo.revision}`);
  }
}

/** What one revision wrote again. */
interface Echo {
  readonly revision: number;
  readonly keys: readonly string[];
  readonly values: readonly string[];
}

function echoesOf(revisions: Revisions): Echo[] {
  const byRevision = Map.groupBy(revisions.echoes, ({ revision }) => revision);
  return [...byRevision].map(([revision, changes]) => {
    const values = changes.map(({ value }) => value ?? '');
    return { revision, keys: changes.map(({ key }) => key), values };
  });
}

function hasPut({ keys }: Keeper, echo: Echo): boolean {
  return echo.keys.every((key) => keys.has(key));
}

/** Finds one for `echo`, for which others may have to make do with another (an augmenting path of a matching). */
function findCause(
  echo: Echo,
  unanswered: readonly Keeper[],
  causes: Map<Keeper, Echo>,
  asked: Set<Keeper>,
): boolean {
  for (const keeper of unanswered) {
    if (asked.has(keeper) || !hasPut(keeper, echo)) continue;
    asked.add(keeper);
    const other = causes.get(keeper);
    if (other !== undefined && !findCause(other, unanswered, causes, asked)) continue;
    causes.set(keeper, echo);
    return true;
  }
  return false;
}

function isKeeper(spec: ReturnType<typeof writesOf>[number]): spec is PutSpec {
  return spec.op === 'put' && spec.keepsValue;
}
