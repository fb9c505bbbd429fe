import { isPodReady, Pod } from '@kubelab/api';
import { createInformerFactory, type DeepReadonly, type Informer, type KubeClient } from '@kubelab/client';
import { realClock, realRandom, silentLogger } from '@kubelab/component-base';
import type { BenchContext } from '../core/measure.ts';
import { SELECTOR } from './bench-lab.ts';

export type WatchedPod = DeepReadonly<Pod>;

/** The bench's pods as a watch shows them: nothing is polled, so times are those of the events. */
export class PodWatch {
  readonly #informer: Informer<Pod>;
  readonly #listeners = new Set<() => void>();

  private constructor(informer: Informer<Pod>) {
    this.#informer = informer;
    const tellAll = () => {
      for (const listener of this.#listeners) listener();
    };
    informer.addHandler({ onAdd: tellAll, onUpdate: tellAll, onDelete: tellAll });
  }

  static async start(context: BenchContext, client: KubeClient): Promise<PodWatch> {
    const stop = new AbortController();
    context.defer(() => stop.abort());
    const deps = { clock: realClock, random: realRandom, log: silentLogger };
    const informers = createInformerFactory(client, deps);
    const watch = new PodWatch(informers.filtered(Pod, { namespace: 'default', labelSelector: SELECTOR }));
    informers.start(stop.signal);
    await informers.waitForSync();
    return watch;
  }

  list(): WatchedPod[] {
    return this.#informer.list();
  }

  /** The moment (monotonic ms) of the first event after which it holds; at once when it does already. */
  until(what: string, holds: (pods: WatchedPod[]) => boolean, timeoutMs = 60_000): Promise<number> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!holds(this.list())) return;
        this.#listeners.delete(check);
        clearTimeout(timer);
        resolve(performance.now());
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(check);
        reject(new Error(`not within ${timeoutMs / 1000} s: ${what}`));
      }, timeoutMs);
      this.#listeners.add(check);
      check();
    });
  }
}

export function isServing(pod: WatchedPod): boolean {
  return pod.metadata.deletionTimestamp === undefined && isPodReady(pod);
}
