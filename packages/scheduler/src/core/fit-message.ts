import type { Diagnosis, Verdict } from './select-node.ts';

/** `0/3 nodes are available: 1 Too many pods, 2 Insufficient cpu. preemption: …`, as upstream's FitError. */
export function fitMessage(diagnosis: Diagnosis, preemption?: string): string {
  const { nodeCount, verdicts, preFilter } = diagnosis;
  if (nodeCount === 0) return 'no nodes available to schedule pods';
  const reasons = preFilter === undefined ? countReasons(verdicts.values()) : preFilter.reasons.join(', ');
  const message = `0/${nodeCount} nodes are available: ${reasons}.`;
  return preemption === undefined ? message : `${message} preemption: ${preemption}`;
}

/** Each reason with the number of nodes it holds for, sorted as text. */
export function countReasons(verdicts: Iterable<Pick<Verdict, 'reasons'>>): string {
  const counts = new Map<string, number>();
  for (const { reasons } of verdicts) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');
}
