import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { isInstalled } from '@kubelab/etcd-lite/testing';
import type { Sums } from '../real/accounts.ts';
import { Trial, type TrialOptions } from '../real/trial.ts';

/**
 * What real faults are tried on: our store, and the machine's own etcd, which must pass the same. That shows
 * that the checks ask for nothing that a store cannot do.
 */
export interface FaultTarget {
  readonly name: string;
  /** A reason to leave it out. */
  readonly skip: string | false;
  start(options?: Partial<TrialOptions>): Promise<Trial>;
}

const SEED = Number(process.env['SEED'] ?? 1);
/** Small, so that members that come back need snapshots. */
const FLAGS = ['--snapshot-count=300'];

export const ours: FaultTarget = target('etcd-lite', false, {});
/**
 * 3.4 answers requests for progress too early (its issue 15220) and forgets deletions at the compacted
 * revision (19179), and a leader that was paused ends leases that others have renewed (15247): its tests do without.
 */
export const etcd: FaultTarget = target('etcd', isInstalled('etcd') ? false : 'no etcd on this machine', {
  program: ['etcd'],
  asksProgress: false,
  keepsLeases: false,
  richShare: 0,
  compactLag: Number.MAX_SAFE_INTEGER,
});

function target(name: string, skip: string | false, own: Partial<TrialOptions>): FaultTarget {
  const start = (options: Partial<TrialOptions> = {}): Promise<Trial> =>
    Trial.start({ seed: SEED, flags: FLAGS, ...own, ...options });
  return { name, skip, start };
}

/** Says what the accounts were about, and that it was something. */
export function report(t: TestContext, sums: Sums): void {
  t.diagnostic(
    `${sums.answeredCount} of ${sums.operationCount} requests answered (${sums.unknownCount} outcomes unknown), ` +
      `${sums.revisionCount} revisions, ${sums.watchEventCount} watch events, ${sums.keysSearched} keys searched`,
  );
  assert.ok(sums.answeredCount > 50, 'there was load');
  assert.ok(sums.watchEventCount > sums.revisionCount, 'watches were at work');
}
