import type { Clock } from '@kubelab/component-base';
import type { OutEvent } from '../cache/watcher.ts';
import type { WatchResponse } from '../core/messages.ts';

/**
 * Hands a watch's events to `write`, batch by batch as fast as it takes them, until the watch ends, its time
 * is over or the client is gone.
 */
export async function pumpWatch(
  { watcher, timeoutMs }: WatchResponse,
  deps: { readonly clock: Clock; readonly signal: AbortSignal },
  write: (batch: readonly OutEvent[]) => Promise<void> | void,
): Promise<void> {
  const { clock, signal } = deps;
  const close = () => watcher.close('stopped');
  const timer = clock.setTimer(timeoutMs, close);
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  try {
    for (;;) {
      const batch = watcher.take();
      if (batch.length > 0) await write(batch);
      else if (watcher.ended === undefined) await watcher.wait();
      else return;
    }
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', close);
    watcher.close('stopped');
  }
}
