/**
 * Runs `fn` for 0 … count-1 in batches that double (1, 2, 4, …) and stops after the first batch with a
 * failure:
 * a quota that refuses every pod costs one refused request, not `count` (upstream's `slowStartBatch`).
 * Answers how many succeeded and the first failure.
 */
export async function slowStart(
  count: number,
  fn: (index: number) => Promise<void>,
): Promise<{ readonly succeeded: number; readonly error?: unknown }> {
  let succeeded = 0;
  for (let batch = 1, next = 0; next < count; batch *= 2) {
    const size = Math.min(batch, count - next);
    const outcomes = await Promise.allSettled(Array.from({ length: size }, (_, i) => fn(next + i)));
    next += size;
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    succeeded += outcomes.filter((outcome) => outcome.status === 'fulfilled').length;
    if (failed !== undefined) return { succeeded, error: failed.reason };
  }
  return { succeeded };
}

/** Runs all at once, waits for all, then throws the first failure. */
export async function allOrThrow(work: Iterable<Promise<unknown>>): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
