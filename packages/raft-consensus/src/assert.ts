/** A broken invariant is a bug in this package or in its driver, never bad input: the node must stop. */
export class RaftInvariantError extends Error {
  /** The id in the README's list, e.g. `RAFT-4`. */
  readonly invariant: string;
  constructor(invariant: string, message: string) {
    super(`invariant ${invariant} broken: ${message}`);
    this.name = 'RaftInvariantError';
    this.invariant = invariant;
  }
}

export function assert(condition: boolean, invariant: string, message: string): asserts condition {
  if (!condition) throw new RaftInvariantError(invariant, message);
}

/** For the `default` of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new RaftInvariantError('EXHAUSTIVE', `unexpected ${JSON.stringify(value)}`);
}
