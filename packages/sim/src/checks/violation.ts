/** A promise was broken: a bug in the store, or in the simulator. `check` is a short word for what noticed. */
export class Violation extends Error {
  readonly check: string;
  constructor(check: string, message: string) {
    super(`${check}: ${message}`);
    this.name = 'Violation';
    this.check = check;
  }
}

export function require(condition: boolean, check: string, message: () => string): asserts condition {
  if (!condition) throw new Violation(check, message());
}
