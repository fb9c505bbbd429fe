import { setMaxListeners } from 'node:events';
import { isStatus } from '@kubelab/api';
import { AssertionError } from '@kubelab/component-base';
import type { Controller, ControllerSpec, InformerFactory, ObjectKey, RuntimeDeps } from '../types.ts';
import { WorkQueue } from './work-queue.ts';

/** A pass that takes longer is told to stop by its signal. */
const PASS_TIMEOUT_MS = 60_000;

/** Thrown by a pass that would fail again just the same: logged, not retried until the object changes. */
export class TerminalError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TerminalError';
  }
}
export function terminal(message: string, cause?: unknown): TerminalError {
  return new TerminalError(message, { cause });
}

/**
 * The one loop all controllers share: get a key → reconcile → forget, requeue or back off → done.
 * `spec.watch` is called here, so that handlers are in place before the informers start; nothing is worked on
 * before `run`.
 */
export function createController(spec: ControllerSpec, deps: RuntimeDeps): Controller {
  const { clock } = deps;
  const log = deps.log.child({ controller: spec.name });
  const queue = new WorkQueue({ clock });
  spec.watch((key, afterMs = 0) => queue.addAfter(key, afterMs));
  return { name: spec.name, run };

  async function run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    // Every pass of every controller listens to this one signal.
    setMaxListeners(0, signal);
    signal.addEventListener('abort', () => queue.shutDown(), { once: true });
    log.debug('controller started', { workers: spec.workers });
    await Promise.all(Array.from({ length: spec.workers }, () => work(signal)));
  }

  async function work(signal: AbortSignal): Promise<void> {
    for (let key = await queue.get(); key !== undefined; key = await queue.get()) {
      await pass(key, signal);
      queue.done(key);
    }
  }

  async function pass(key: ObjectKey, stop: AbortSignal): Promise<void> {
    const passLog = log.child({ key });
    const deadline = new AbortController();
    const stopPass = () => deadline.abort(stop.reason);
    stop.addEventListener('abort', stopPass, { once: true });
    const timer = clock.setTimer(PASS_TIMEOUT_MS, () => deadline.abort(new Error('pass took too long')));
    try {
      const { requeueAfterMs } = await spec.reconcile(key, { log: passLog, signal: deadline.signal });
      queue.forget(key);
      if (requeueAfterMs !== undefined) queue.addAfter(key, requeueAfterMs);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      if (stop.aborted) return;
      if (error instanceof TerminalError) {
        queue.forget(key);
        passLog.error('pass failed for good', { err: error });
        return;
      }
      queue.addRateLimited(key);
      // A conflict only says that the cache was behind: the next pass sees the newer object.
      if (isStatus(error, 'Conflict')) passLog.debug('pass met a newer object', { err: error.message });
      else passLog.warn('pass failed', { err: error, failures: queue.failureCount(key) });
    } finally {
      timer.cancel();
      stop.removeEventListener('abort', stopPass);
    }
  }
}

/** Starts the informers, waits for their first lists, then runs every controller until the signal. */
export async function runControllers(
  controllers: readonly Controller[],
  informers: InformerFactory,
  signal: AbortSignal,
): Promise<void> {
  informers.start(signal);
  await informers.waitForSync(signal);
  await Promise.all(controllers.map((controller) => controller.run(signal)));
}
