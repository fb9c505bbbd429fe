import { type Clock, type Logger } from '@kubelab/component-base';
import type { PodListing, Runtime, RuntimeEvent, RuntimeVersion, StateEntry } from '../runtime/types.ts';

export interface PlegOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often all states are compared, in case an event was lost. */
  readonly relistMs: number;
  /** The runtime answers (again): this is all it has of ours. */
  readonly onUp: (version: RuntimeVersion, listing: PodListing) => void;
  readonly onDown: (error: unknown) => void;
  readonly onEvent: (event: RuntimeEvent) => void;
  readonly onStates: (states: readonly StateEntry[]) => void;
}

/** A runtime that takes longer is as good as down. */
const ANSWER_MS_MAX = 30_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 1_000;

/**
 * The pod life-cycle event generator: keeps a connection to the runtime and tells what changes there. Events make it quick,
 * the slow relist makes it sure. Ends with the signal.
 */
export async function runPleg(options: PlegOptions, signal: AbortSignal): Promise<void> {
  const { runtime, clock, log } = options;
  let retryMs = RETRY_MS_MIN;
  let wasUp = true;
  while (!signal.aborted) {
    try {
      const version = await answer(options, runtime.version());
      const ended = runtime.subscribe(options.onEvent, signal);
      ended.catch(() => undefined); // awaited below, after the list
      options.onUp(version, await answer(options, runtime.listPods()));
      log.info('container runtime is up', { runtime: version.runtime });
      wasUp = true;
      retryMs = RETRY_MS_MIN;
      await relistUntil(options, ended, signal);
      if (signal.aborted) return;
      throw new Error('the connection to the container runtime ended');
    } catch (err) {
      if (wasUp) {
        log.warn('container runtime is down', { err });
        options.onDown(err);
      }
      wasUp = false;
    }
    await clock.sleep(retryMs, signal).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
  }
}

async function relistUntil(options: PlegOptions, ended: Promise<void>, signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const relist = async () => {
    for (;;) {
      await options.clock.sleep(options.relistMs, AbortSignal.any([stop.signal, signal]));
      options.onStates(await answer(options, options.runtime.listStates()));
    }
  };
  const relisting = relist();
  relisting.catch(() => undefined); // ends by the abort below, or fails the race
  try {
    await Promise.race([ended, relisting]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop.abort(new Error('stopped'));
  }
}

async function answer<T>({ clock }: PlegOptions, promise: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const tooLate = clock.sleep(ANSWER_MS_MAX, answered.signal).then(() => {
    throw new Error(`the container runtime has not answered for ${ANSWER_MS_MAX / 1000} s`);
  });
  tooLate.catch(() => undefined); // it answered: nobody waits for this any more
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    answered.abort();
  }
}
