import { isStatus } from '@kubelab/api';
import type { Clock } from '@kubelab/component-base';

const DELAYS_MS = [50, 150, 450];

/**
 * A kubelet may read what the pods on its node name. The API server that is asked may hear of the pod's binding a moment later than
 * we did (there are several, each with a cache of its own): a first refusal is not the last word.
 */
export async function retryForbidden<T>(clock: Clock, ask: () => Promise<T>): Promise<T> {
  for (const delayMs of DELAYS_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!isStatus(error, 'Forbidden')) throw error;
      await clock.sleep(delayMs);
    }
  }
  return ask();
}
