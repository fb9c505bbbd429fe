import type { Taint, Toleration } from '@kubelab/api';
import type { Seen } from '../shared/objects.ts';

type SeenTaint = Seen<Taint>;
type SeenToleration = Seen<Toleration>;

/**
 * How long a pod may stay: `now` = not at all, `forever`, or ms from when it was first seen under these
 * taints.
 */
export type Stay = 'now' | 'forever' | { readonly ms: number };

/**
 * What the NoExecute taints of a node mean for a pod with these tolerations (upstream's
 * `getMinTolerationTime`).
 */
export function stayUnder(taints: readonly SeenTaint[], tolerations: readonly SeenToleration[]): Stay {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return 'now';
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds !== undefined)
        shortestMs = Math.min(shortestMs, Math.max(0, tolerationSeconds * 1000));
    }
  }
  if (shortestMs === Number.POSITIVE_INFINITY) return 'forever';
  return shortestMs === 0 ? 'now' : { ms: shortestMs };
}

export function tolerates(toleration: SeenToleration, taint: SeenTaint): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  if ((toleration.key ?? '') !== '' && toleration.key !== taint.key) return false;
  if (toleration.operator === 'Exists') return true;
  return (toleration.key ?? '') !== '' && (toleration.value ?? '') === (taint.value ?? '');
}

export function hasNoExecute(taints: readonly SeenTaint[] | undefined): boolean {
  return (taints ?? []).some(({ effect }) => effect === 'NoExecute');
}
