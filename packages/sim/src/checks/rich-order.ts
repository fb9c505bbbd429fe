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

/** A value that came twice came from a put that keeps the value; without an answer, from one each. */
function checkEchoes(operations: readonly Operation[], revisions: Revisions): void {
  const keepers = operations.flatMap(({ request, outcome, answer }) =>
    request.type === 'txn' && outcome !== 'refused'
      ? [
          {
            puts: writesOf(request.txn).filter(isKeeper),
            revision: outcome === 'ok' ? answer?.revision : undefined,
          },
        ]
      : [],
  );
  /** Without an answer it may have happened, once. */
  const revisionOf = new Map<object, number>();
  for (const { key, value, revision } of revisions.echoes) {
    const cause = keepers.find(
      (keeper) =>
        (keeper.revision ?? revisionOf.get(keeper) ?? revision) === revision &&
        keeper.puts.some((put) => put.key === key),
    );
    require(cause !== undefined, 'applied-twice', () =>
      `${value} was written again, in revision ${revision}`);
    revisionOf.set(cause, revision);
  }
}

function isKeeper(spec: ReturnType<typeof writesOf>[number]): spec is PutSpec {
  return spec.op === 'put' && spec.keepsValue;
}
