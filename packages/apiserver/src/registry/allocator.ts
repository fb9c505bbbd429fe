import type { KubeObject } from '@kubelab/api';
import type { ServedResource } from '@kubelab/api/server';
import type { ClaimTakenError, Companions } from './objects.ts';

/**
 * Fills in what only the store can give once: a Service's addresses and node ports. The claims go into the
 * same transaction as the object.
 */
export interface Allocator {
  handles(resource: ServedResource): boolean;
  /**
   * Changes `object` in place; `avoid` holds keys that were taken when tried. Throws ApiError when there is
   * none left.
   */
  allocate(object: KubeObject, old: KubeObject | undefined, avoid: ReadonlySet<string>): Companions;
  /** What a deletion gives back. */
  release(object: KubeObject): Companions;
  /** The refusal when what the user asked for by name is taken; undefined: another may be tried. */
  refusal(object: KubeObject, taken: ClaimTakenError): Error | undefined;
}

const ATTEMPTS_MAX = 32;

/** Runs `write` with companions, again with others while the ones it picked turn out to be taken. */
export async function withAllocation<T>(
  allocator: Allocator | undefined,
  asked: () => KubeObject,
  run: (allocate: (object: KubeObject, old: KubeObject | undefined) => Companions | undefined) => Promise<T>,
  isClaimTaken: (error: unknown) => error is ClaimTakenError,
): Promise<T> {
  if (allocator === undefined) return run(() => undefined);
  const avoid = new Set<string>();
  for (;;) {
    try {
      return await run((object, old) => allocator.allocate(object, old, avoid));
    } catch (error) {
      if (!isClaimTaken(error)) throw error;
      const refusal = allocator.refusal(asked(), error);
      if (refusal !== undefined || avoid.size >= ATTEMPTS_MAX) throw refusal ?? error;
      avoid.add(error.key);
    }
  }
}
