import type { Timeline } from './timeline.ts';

/** Simulated code asked the real world for something: the same seed would not give the same run any more. */
export class DeterminismError extends Error {
  constructor(what: string) {
    super(`SIM-4: simulated code called ${what}, which the seed does not decide`);
    this.name = 'DeterminismError';
  }
}

/**
 * Takes the real clock, chance and timers away as long as it lasts; `setImmediate` becomes an event of the
 * timeline. Rejections that nobody handles are handed on: they would end a real process.
 */
export function guardGlobals(timeline: Timeline, onUnhandled: (reason: unknown) => void): Disposable {
  const real = { setImmediate, setTimeout, setInterval, now: Date.now, random: Math.random };
  const realPerformanceNow = Object.getOwnPropertyDescriptor(performance, 'now');
  const refuse = (what: string) => (): never => {
    throw new DeterminismError(what);
  };
  const inWorld = (fn: (...args: unknown[]) => void, ...args: unknown[]): unknown =>
    timeline.at(0, timeline.current, { event: 'turn' }, () => fn(...args));
  Object.assign(globalThis, {
    setImmediate: inWorld,
    setTimeout: refuse('setTimeout'),
    setInterval: refuse('setInterval'),
  });
  Date.now = refuse('Date.now');
  Math.random = refuse('Math.random');
  Object.defineProperty(performance, 'now', { configurable: true, value: refuse('performance.now') });
  process.on('unhandledRejection', onUnhandled);
  return {
    [Symbol.dispose]() {
      const { setImmediate, setTimeout, setInterval } = real;
      Object.assign(globalThis, { setImmediate, setTimeout, setInterval });
      Date.now = real.now;
      Math.random = real.random;
      // It lies on the prototype: taking ours away brings it back.
      if (realPerformanceNow === undefined) Reflect.deleteProperty(performance, 'now');
      else Object.defineProperty(performance, 'now', realPerformanceNow);
      process.off('unhandledRejection', onUnhandled);
    },
  };
}
