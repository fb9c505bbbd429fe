import type { InformerFactory } from '../types.ts';

/** Starts what was asked for and waits for the first lists; the test ends it by the controller. */
export async function startInformers(
  informers: InformerFactory,
  stop = new AbortController(),
): Promise<AbortController> {
  informers.start(stop.signal);
  await informers.waitForSync(stop.signal);
  return stop;
}
