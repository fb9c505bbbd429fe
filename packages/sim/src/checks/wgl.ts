import type { Operation } from '../clients/operation.ts';
import { writesOf } from '../clients/rich-request.ts';
import { require } from './violation.ts';

/** One operation on one key. `end` is infinite where no answer came: it may take effect at any time, or never. */
export interface Step {
  readonly start: number;
  readonly end: number;
  readonly isOptional: boolean;
  /** The value after it, given that before it; `undefined` for no key; `impossible` if the answer rules it out. */
  readonly apply: (value: string | undefined) => string | undefined | typeof impossible;
  readonly text: string;
}

export const impossible: unique symbol = Symbol('impossible');

/**
 * Wing and Gong's search with Lowe's memory of dead ends: is there an order of the steps that respects their
 * times and explains every answer? It knows nothing of revisions. Undefined: the steps are too many.
 */
export function isLinearizable(steps: readonly Step[], visitsMax = 200_000): boolean | undefined {
  const sorted = steps.toSorted((a, b) => a.start - b.start);
  const deadEnds = new Set<string>();
  let visits = 0;

  function search(done: bigint, value: string | undefined): boolean {
    if (++visits > visitsMax) throw new TooManyVisits();
    const key = `${done.toString(36)}/${value ?? ''}/${value === undefined}`;
    if (deadEnds.has(key)) return false;
    let earliestEnd = Infinity;
    let isFinished = true;
    for (const [i, step] of sorted.entries()) {
      if ((done >> BigInt(i)) & 1n) continue;
      if (!step.isOptional) isFinished = false;
      earliestEnd = Math.min(earliestEnd, step.end);
    }
    if (isFinished) return true;
    for (const [i, step] of sorted.entries()) {
      if (step.start > earliestEnd) break;
      if ((done >> BigInt(i)) & 1n) continue;
      const next = step.apply(value);
      if (next !== impossible && search(done | (1n << BigInt(i)), next)) return true;
    }
    deadEnds.add(key);
    return false;
  }

  try {
    return search(0n, undefined);
  } catch (err) {
    if (err instanceof TooManyVisits) return undefined;
    throw err;
  }
}

class TooManyVisits extends Error {}

/** Of each key as much is searched as fits into this; the rest is left to `checkByRevision`. */
const STEPS_MAX = 60;

/** A beginning of the history with at most `max` steps; none that was answered reaches into what follows. */
export function beginningOf(steps: readonly Step[], max: number): readonly Step[] {
  const sorted = steps.toSorted((a, b) => a.start - b.start);
  for (let length = Math.min(max, sorted.length); length > 0; length--) {
    const next = sorted[length]?.start ?? Infinity;
    const taken = sorted.slice(0, length);
    if (taken.every(({ end, isOptional }) => isOptional || end < next)) return taken;
  }
  return [];
}

/** The second oracle: each key as a register of its own. Keys with leases are left out: they vanish by themselves. */
export function checkKeys(operations: readonly Operation[]): number {
  const leased = new Set(
    operations.flatMap(({ request }) => (request.type === 'put' && request.lease !== 0 ? [request.key] : [])),
  );
  // What parts of transactions do is not told here.
  for (const { request } of operations)
    if (request.type === 'txn') for (const { key } of writesOf(request.txn)) leased.add(key);
  const valueOf = valuesByRevision(operations);
  const keys = new Set(operations.flatMap(({ request }) => ('key' in request ? [request.key] : [])));
  let checked = 0;
  for (const key of keys) {
    if (leased.has(key)) continue;
    const all = operations.flatMap((operation) => stepsOf(operation, key, valueOf));
    const steps = beginningOf(all, STEPS_MAX);
    if (steps.length === 0) continue;
    const result = isLinearizable(steps);
    require(result !== false, 'wgl', () =>
      `no order explains what clients saw of ${key}: ${steps.map(({ text }) => text).join('; ')}`);
    if (result === true) checked++;
  }
  return checked;
}

/** A compare-and-set names a revision; what it means is the value that its client had seen under it. */
function valuesByRevision(operations: readonly Operation[]): Map<string, string> {
  const values = new Map<string, string>();
  for (const { answer } of operations) {
    for (const { key, value, modRevision } of [...(answer?.found ?? []), ...(answer?.previous ?? [])])
      values.set(`${key}/${modRevision}`, value);
  }
  return values;
}

function stepsOf(operation: Operation, key: string, valueOf: ReadonlyMap<string, string>): Step[] {
  const { request, outcome, answer, invokedMs, returnedMs } = operation;
  if (outcome === 'refused' || !('key' in request)) return [];
  const isCovered =
    'end' in request && request.end !== undefined
      ? key >= request.key && key < request.end
      : key === request.key;
  if (!isCovered) return [];
  const isKnown = outcome === 'ok';
  const step = (text: string, apply: Step['apply']): Step[] => [
    { start: invokedMs, end: isKnown ? returnedMs : Infinity, isOptional: !isKnown, apply, text },
  ];
  const found = answer?.found?.find((seen) => seen.key === key)?.value;
  const previous = answer?.previous?.find((seen) => seen.key === key)?.value;
  switch (request.type) {
    case 'get':
      if (!isKnown || request.serializable) return [];
      return step(`read ${found}`, (value) => (value === found ? value : impossible));
    case 'put':
      return step(`put ${request.value}`, (value) =>
        isKnown && value !== previous ? impossible : request.value,
      );
    case 'delete':
      return step('delete', (value) => (isKnown && value !== previous ? impossible : undefined));
    case 'cas': {
      const expected = request.expected === 0 ? undefined : valueOf.get(`${key}/${request.expected}`);
      const isTrue = (value: string | undefined): boolean => value === expected;
      if (!isKnown) return step('cas ?', (value) => (isTrue(value) ? request.value : value));
      if (answer?.succeeded === true)
        return step(`cas ${expected} ${request.value}`, (value) =>
          isTrue(value) ? request.value : impossible,
        );
      return step(`cas failed, read ${found}`, (value) =>
        value === found && !isTrue(value) ? value : impossible,
      );
    }
    default:
      return [];
  }
}
