/** Handing leadership over (thesis §3.10). */
import type { Core, Leadership } from './core.ts';
import type { Progress } from './progress.ts';
import { sendAppend } from './replication.ts';
import type { NodeId } from './types.ts';

/** Stop taking proposals, bring the transferee up to date, then tell it to campaign (thesis §3.10). */
export function startTransfer(core: Core, to: NodeId): void {
  const leading = core.leadership();
  const progress = leading.progress.get(to);
  if (to === core.id || progress === undefined || progress.isLearner) return;
  if (leading.leadTransferee === to) return;
  leading.leadTransferee = to;
  core.electionElapsed = 0; // it has one election timeout from now
  // Even an empty append: its answer shows at once what was lost on the way.
  if (progress.match < core.log.lastIndex) sendAppend(core, to, progress, true);
  finishTransfer(core, leading, progress);
}

export function finishTransfer(core: Core, leading: Leadership, progress: Progress): void {
  const { leadTransferee: to } = leading;
  if (to === undefined || progress.match !== core.log.lastIndex) return;
  core.send({ type: 'timeout-now', from: core.id, to, term: core.term });
}
