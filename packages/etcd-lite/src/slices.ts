/**
 * Runs work that yields where it may be interrupted; between two slices the event loop does what else is due.
 * The first slice runs at once, in the caller's turn.
 */
export async function inSlices<T>(work: Generator<undefined, T>): Promise<T> {
  for (let slice = work.next(); ; slice = work.next()) {
    if (slice.done === true) return slice.value;
    await nextTurn();
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
