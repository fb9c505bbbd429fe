import { setMaxListeners } from 'node:events';
import type { KubeObject, ResourceType } from '@kubelab/api';
import { abortReason } from '@kubelab/component-base';
import type { Informer, InformerFactory, KubeClient, ListOptions, RuntimeDeps } from '../types.ts';
import { CachedInformer } from './informer.ts';

interface Entry {
  readonly informer: { run(signal: AbortSignal): Promise<void>; whenSynced(fn: () => void): void };
  isRunning: boolean;
}

/**
 * One informer for each resource (and scope), shared by all who ask for it: one list, one watch, one copy in
 * memory.
 */
export function createInformerFactory(client: KubeClient, deps: RuntimeDeps): InformerFactory {
  const entries = new Map<string, Entry>();

  return {
    of: (type) => shared(type, {}),
    filtered: (type, scope) => shared(type, scope),
    start(signal) {
      // Every watch listens to this one signal.
      setMaxListeners(0, signal);
      for (const entry of entries.values()) {
        if (entry.isRunning) continue;
        entry.isRunning = true;
        void entry.informer.run(signal);
      }
    },
    async waitForSync(signal) {
      await Promise.all([...entries.values()].map((entry) => synced(entry, signal)));
    },
  };

  function shared<T extends KubeObject>(type: ResourceType<T>, scope: ListOptions): Informer<T> {
    const { namespace, labelSelector, fieldSelector } = scope;
    const key = JSON.stringify([type.apiVersion, type.resource, namespace, labelSelector, fieldSelector]);
    let entry = entries.get(key);
    if (entry === undefined) {
      const informer = new CachedInformer<T>(client, type, {
        ...deps,
        scope: { namespace, labelSelector, fieldSelector },
      });
      entry = { informer, isRunning: false };
      entries.set(key, entry);
    }
    // The key holds the resource, and a resource has one type.
    return entry.informer as CachedInformer<T>;
  }
}

function synced(entry: Entry, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => signal !== undefined && reject(abortReason(signal));
    if (signal?.aborted) return void onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    entry.informer.whenSynced(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
  });
}
