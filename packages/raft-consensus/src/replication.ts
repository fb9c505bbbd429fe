/**
 * What a leader sends to one member: appends as far as flow control lets it, a snapshot when the log does
 * not reach back, heartbeats.
 */
import { membersOf } from './conf-change.ts';
import type { Core, Leadership } from './core.ts';
import { type InflightLimits, Progress } from './progress.ts';
import type { Entry, NodeId } from './types.ts';

export function progressLimits(core: Core): InflightLimits {
  return { messagesMax: core.config.inflightMessagesMax, bytesMax: core.config.inflightBytesMax };
}

/** As many appends as the window takes, and word of commits that none of them carried. */
export function sendAppends(core: Core, to: NodeId, progress: Progress): void {
  while (sendAppend(core, to, progress, false)) {}
  tellCommit(core, to, progress);
}

/** One append, or the beginning of a snapshot. False when nothing was sent. */
export function sendAppend(core: Core, to: NodeId, progress: Progress, evenIfEmpty: boolean): boolean {
  if (progress.isPaused()) return false;
  const { log } = core;
  const prevIndex = progress.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) return sendSnapshot(core, to, progress);
  const mayCarry = progress.state !== 'replicate' || !progress.inflights.isFull();
  const entries =
    mayCarry && progress.next <= log.lastIndex
      ? log.slice(progress.next, log.lastIndex, core.config.messageBytesMax)
      : [];
  if (entries.length === 0 && !evenIfEmpty) return false;
  const { id: from, term } = core;
  core.send({ type: 'append', from, to, term, prevIndex, prevTerm, entries, commit: log.commit });
  progress.wasSentAppend = true;
  progress.sentEntries(entries.length, bytesOf(entries));
  // What it cannot have yet is no news to it.
  progress.sentCommit = Math.max(progress.sentCommit, Math.min(log.commit, prevIndex + entries.length));
  return true;
}

/**
 * Only of what the member has acknowledged: then it can do without an answer, and a write costs six messages in a
 * cluster of three, not eight.
 */
function tellCommit(core: Core, to: NodeId, progress: Progress): void {
  const commit = Math.min(core.log.commit, progress.match);
  if (progress.state !== 'replicate' || commit <= progress.sentCommit) return;
  core.send({ type: 'commit', from: core.id, to, term: core.term, commit });
  progress.sentCommit = commit;
}

/** The beat: to all that no append has told of their leader since the last one, or that owe an answer to a read. */
export function sendHeartbeats(core: Core, leading: Leadership): void {
  for (const [to, progress] of leading.progress) {
    const isDue = !progress.wasSentAppend || progress.ackedRound < leading.reads.round;
    if (isDue) sendHeartbeat(core, leading, to, progress);
    progress.wasSentAppend = false;
  }
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** The driver sends the state; it is applied state, so the driver has it. Not to the dead: it is costly. */
function sendSnapshot(core: Core, to: NodeId, progress: Progress): boolean {
  const { log } = core;
  const index = log.applied;
  const snapshotTerm = log.termAt(index);
  // Right after restoring a snapshot of its own, this node has no applied state to send yet.
  if (!progress.isRecentlyActive || snapshotTerm === undefined) return false;
  progress.becomeSnapshot(index);
  const metadata = { index, term: snapshotTerm, conf: core.appliedConf };
  core.send({ type: 'snapshot', from: core.id, to, term: core.term, snapshot: { metadata } });
  return true;
}

/**
 * Heartbeats name only commits the member is known to have; they carry the current read-index round, which
 * also repeats lost ones.
 */
export function broadcastHeartbeat(core: Core, leading: Leadership): void {
  for (const [to, progress] of leading.progress) sendHeartbeat(core, leading, to, progress);
}

function sendHeartbeat(core: Core, leading: Leadership, to: NodeId, progress: Progress): void {
  const { id: from, term } = core;
  if (to === from) return;
  const commit = Math.min(progress.match, core.log.commit);
  core.send({ type: 'heartbeat', from, to, term, commit, round: leading.reads.round });
  progress.sentCommit = Math.max(progress.sentCommit, commit);
}

/**
 * Book-keeping for whoever is a member now, beginning at `next` for those who are new; none for the others.
 */
export function trackMembers(core: Core, leading: Leadership, next: number, isActive: boolean): void {
  const members = new Set(membersOf(core.conf)).add(core.id);
  for (const id of members) {
    let progress = leading.progress.get(id);
    if (progress === undefined) {
      progress = new Progress(0, next, progressLimits(core));
      progress.isRecentlyActive = isActive;
      leading.progress.set(id, progress);
    }
    progress.isLearner = core.conf.learners.includes(id);
  }
  for (const id of leading.progress.keys()) {
    if (!members.has(id)) leading.progress.delete(id);
  }
}
