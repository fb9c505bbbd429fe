/**
 * Linearizable reads at the leader (thesis §6.4): one round of heartbeats for all reads that gathered since
 * the last Ready.
 */
import { assert } from './assert.ts';
import type { Core, Leadership } from './core.ts';
import { quorumIndex } from './quorum.ts';
import type { ReadBatch } from './read-index.ts';
import { broadcastHeartbeat } from './replication.ts';
import type { ReadContext, ReadOutcome } from './types.ts';

export function readAsLeader(core: Core, context: ReadContext): ReadOutcome {
  return core.leadership().reads.add({ from: core.id, context }) ? 'accepted' : 'too-many-pending';
}

/**
 * RAFT-9: not before an entry of our own term is committed: until then we may not know what our
 * predecessors committed.
 */
export function beginReadRound(core: Core, leading: Leadership): void {
  if (!leading.reads.hasWaiting() || core.log.commit < leading.firstIndex) return;
  leading.reads.begin(core.log.commit);
  if (core.config.readOnly === 'lease') return answer(core, leading.reads.confirm(leading.reads.round));
  answerConfirmedReads(core, leading);
  // A lone voter has confirmed itself.
  if (confirmedRound(core, leading) < leading.reads.round) broadcastHeartbeat(core, leading);
}

function confirmedRound(core: Core, { reads, progress }: Leadership): number {
  return quorumIndex(core.conf, (id) => (id === core.id ? reads.round : (progress.get(id)?.ackedRound ?? 0)));
}

export function answerConfirmedReads(core: Core, leading: Leadership): void {
  answer(core, leading.reads.confirm(confirmedRound(core, leading)));
}

function answer(core: Core, batches: readonly ReadBatch[]): void {
  const { id, term } = core;
  for (const { index, requests } of batches) {
    assert(
      index >= core.leadership().firstIndex,
      'RAFT-9',
      `read at ${index}, before this term's first commit`,
    );
    for (const { from: to, context } of requests) {
      if (to === id) core.reads.push({ index, context });
      else core.send({ type: 'read-index-response', from: id, to, term, context, index });
    }
  }
}
