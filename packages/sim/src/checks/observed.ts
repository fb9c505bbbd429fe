import type { Running } from '../world/sim-node.ts';
import type { Change, Revisions, Told } from './revisions.ts';
import { require } from './violation.ts';

/** Looks at what each running member has applied since last time, and holds it against what others have. */
export class Observed {
  readonly #revisions: Revisions;
  readonly #onNew: (change: Change) => void;
  /** How far each running member's store has been looked at. */
  readonly #looked = new WeakMap<Running, number>();

  constructor(revisions: Revisions, onNew: (change: Change) => void) {
    this.#revisions = revisions;
    this.#onNew = onNew;
  }

  look(name: string, running: Running): void {
    requireOneConfiguration(name, running);
    const { store } = running.member.machine;
    const from = (this.#looked.get(running) ?? 1) + 1;
    if (store.revision < from) {
      require(store.revision === from - 1, 'revision-forward', () =>
        `${name}: revision ${from - 1} → ${store.revision}`);
      return;
    }
    this.#looked.set(running, store.revision);
    const { log, start } = store.changesSince(Math.max(from, store.compactRevision));
    const byRevision = new Map<number, Told[]>();
    for (const version of log.slice(start)) {
      const told: Told = {
        key: version.history.text,
        value: version.version === 0 ? undefined : Buffer.from(version.value).toString('latin1'),
        revision: version.modRevision,
        createRevision: version.createRevision,
        version: version.version,
        lease: Number(version.lease),
      };
      const list = byRevision.get(version.modRevision);
      if (list === undefined) byRevision.set(version.modRevision, [told]);
      else list.push(told);
    }
    for (const [revision, told] of byRevision) {
      // At the compacted revision itself only what is still there can be told, after a restart.
      if (revision === store.compactRevision && this.#revisions.has(revision)) continue;
      if (!this.#revisions.tell(name, revision, told)) continue;
      for (const change of this.#revisions.at(revision)) this.#onNew(change);
    }
  }
}

/** Raft counts those who are members by the state that has been applied, and nobody else. */
function requireOneConfiguration(name: string, { member }: Running): void {
  const { conf, commit } = member.raft.status();
  // Between a snapshot's arrival and its state, Raft is ahead.
  if (member.applied !== commit || commit === 0) return;
  const voters = member.membership.members.voters();
  const isSame =
    voters.length === conf.voters.length && voters.every(({ raftId }) => conf.voters.includes(raftId));
  require(isSame, 'configuration', () =>
    `${name} counts ${conf.voters.join(' ')}, the members are ${voters.map(({ raftId }) => raftId).join(' ')}`);
}
