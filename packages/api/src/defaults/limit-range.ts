import type { LimitRange } from '../generated/types.ts';
import { canonicalizeResources } from './quantities.ts';

/** For containers: no default means the maximum; no default request means the default, then the minimum. */
export function defaultLimitRange(range: LimitRange): void {
  for (const item of range.spec?.limits ?? []) {
    if (item.type === 'Container') {
      item.default = { ...item.max, ...item.default };
      item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
    }
    for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) {
      canonicalizeResources(list);
    }
  }
}
