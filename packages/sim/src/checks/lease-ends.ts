import type { Operation } from '../clients/operation.ts';
import type { Revisions } from './revisions.ts';
import { deletionsOf } from './rich-order.ts';
import { require } from './violation.ts';

/** A lease that ends takes all its keys along, in one revision. */
export function checkLeaseEnds(operations: readonly Operation[], revisions: Revisions): void {
  const asked = operations.flatMap(({ request }) => deletionsOf(request));
  const mayBeDeleted = (key: string): boolean =>
    asked.some((range) =>
      range.end === undefined ? key === range.key : key >= range.key && key < range.end,
    );
  for (let revision = 2; revision <= revisions.last; revision++) {
    const changes = revisions.at(revision);
    for (const { key, value, previous } of changes) {
      const lease = previous?.lease ?? 0;
      if (value !== undefined || lease === 0 || mayBeDeleted(key)) continue;
      for (const hung of revisions.range('', '\uffff', revision - 1)) {
        const isGone = changes.some((change) => change.key === hung.key && change.value === undefined);
        require(hung.lease !== lease || isGone, 'lease-ends', () =>
          `lease ${lease} ended in revision ${revision}, and ${hung.key} is still there`);
      }
    }
  }
}
