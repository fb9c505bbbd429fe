import { type Clock, sleepOn, type Timer } from './clock.ts';

/** Node's timers take 24 days: one for longer would go off at once. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

/** The machine's clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, fn): Timer {
    let handle: NodeJS.Timeout;
    const wait = (restMs: number): void => {
      handle =
        restMs <= TIMEOUT_MS_MAX
          ? setTimeout(fn, restMs)
          : setTimeout(() => wait(restMs - TIMEOUT_MS_MAX), TIMEOUT_MS_MAX);
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (delayMs, signal) => sleepOn(realClock, delayMs, signal),
};
