/** A broken invariant is a bug in kubelab, never bad input: the process logs it once and ends. */
export class AssertionError extends Error {
  readonly invariant: string;
  constructor(invariant: string, message?: string) {
    super(
      message === undefined ? `invariant ${invariant} broken` : `invariant ${invariant} broken: ${message}`,
    );
    this.name = 'AssertionError';
    this.invariant = invariant;
  }
}

/** Checks an invariant by its id (`RAFT-4`); on in production. */
export function assert(condition: boolean, invariant: string, message?: string): asserts condition {
  if (!condition) throw new AssertionError(invariant, message);
}

/** For the `default` of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new AssertionError('EXHAUSTIVE', `unexpected ${JSON.stringify(value)}`);
}

/** The value, or a crash that says what was expected: for what the surrounding code has already established. */
export function must<T>(value: T | undefined | null, what = 'a value'): T {
  if (value === undefined || value === null) throw new AssertionError('MUST', `${what} is missing`);
  return value;
}
