import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `check` returns something truthy (its value is returned) or the time is over (the last error or value is told). */
export async function eventually<T>(
  what: string,
  check: () => Promise<T> | T,
  timeoutMs = 10_000,
  everyMs = 50,
): Promise<NonNullable<T>> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const value = await check();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > untilMs) {
      throw new Error(
        `not within ${timeoutMs} ms: ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
      );
    }
    await delay(everyMs);
  }
}
