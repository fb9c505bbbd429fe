import { describeRequest, type Operation } from '../clients/operation.ts';
import { require } from './violation.ts';

/** Refusals have their reasons: history is compacted or not yet made, the store is full. */
export function checkRefusals(operations: readonly Operation[]): void {
  checkReads(operations);
  checkAlarm(operations);
}

function checkReads(operations: readonly Operation[]): void {
  const compactions = operations.flatMap(({ request, ...rest }) =>
    request.type === 'compact' && rest.outcome !== 'refused' ? [{ ...rest, revision: request.revision }] : [],
  );
  for (const { request, outcome, reason, invokedMs, returnedMs, answer } of operations) {
    if (request.type !== 'range' || request.range.revision === 0) continue;
    const { revision, isSerializable } = request.range;
    const told = (what: string) => () => `${describeRequest(request)} ${what}`;
    if (outcome === 'ok' && !isSerializable) {
      const isGone = compactions.some(
        (each) => each.outcome === 'ok' && each.returnedMs < invokedMs && each.revision > revision,
      );
      require(!isGone, 'read-compacted', told('was answered, although that had been compacted'));
      require(revision <= (answer?.revision ?? 0), 'read-future', told('was answered before it was there'));
    }
    if (reason === 'compacted') {
      const isPossible = compactions.some((each) => each.invokedMs < returnedMs && each.revision > revision);
      require(isPossible, 'refusal', told('was refused as compacted, and nobody had asked for that'));
    }
    if (reason === 'futureRevision' && !isSerializable) {
      const isKnown = operations.some(
        (each) =>
          each.outcome === 'ok' && each.returnedMs < invokedMs && (each.answer?.revision ?? 0) >= revision,
      );
      require(!isKnown, 'refusal', told('was refused as in the future, and had been answered before'));
    }
  }
}

/** From the first refusal of a full store to the first request to take the alarm back, nothing is put. */
function checkAlarm(operations: readonly Operation[]): void {
  const raisedMs = Math.min(
    ...operations.map((each) => (each.reason === 'noSpace' ? each.returnedMs : Infinity)),
  );
  const clearedMs = Math.min(
    ...operations.map(({ request, invokedMs }) => (request.type === 'disarm' ? invokedMs : Infinity)),
  );
  for (const { request, outcome, invokedMs, returnedMs } of operations) {
    if (request.type !== 'put' || outcome !== 'ok') continue;
    require(invokedMs <= raisedMs || returnedMs >= clearedMs, 'no-space', () =>
      `${describeRequest(request)} was taken by a store that had said that it is full`);
  }
}
