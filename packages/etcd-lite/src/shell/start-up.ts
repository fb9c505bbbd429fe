import { dirname, join } from 'node:path';
import { assert, type Disk, type Logger, type Random } from '@kubelab/component-base';
import type { Int64 } from '@kubelab/rpc';
import type { HardState, InitialState, SnapshotMetadata } from 'raft-consensus';
import type { Members } from '../core/members.ts';
import { entryFromWire, entryToWire, hardStateToWire } from '../transport/message-codec.ts';
import type { WalContents } from '../wal/recovery.ts';
import { CheckpointMissingError, LogMissingError, parseSegmentFile } from '../wal/segment.ts';
import { Wal } from '../wal/wal.ts';
import { Checkpointer, type Restored } from './checkpointer.ts';
import type { Cluster } from './cluster.ts';
import { refuseEtcdData } from './etcd-data.ts';
import { entriesToBeAlone } from './force-new-cluster.ts';
import { firstState, type Founding, foundingOf, NOTHING, readFounding, writeFounding } from './founding.ts';

export interface Started {
  readonly wal: Wal;
  readonly checkpointer: Checkpointer;
  /** Undefined: nothing was ever checkpointed. */
  readonly restored: Restored | undefined;
  readonly initial: InitialState;
  /** Who this member is. */
  readonly founding: Founding;
  /** As of `initial`. */
  readonly members: Members;
}

export interface StartUpOptions {
  readonly disk: Disk;
  readonly dataDir: string;
  /** Of the log, where it has a folder of its own. */
  readonly walDir?: string | undefined;
  readonly cluster: Cluster;
  readonly random: Random;
  readonly log: Logger;
  /** Of a segment of the log; default: `Wal`'s. */
  readonly walSegmentBytes?: number;
  /** Asked when there is no data: how this member begins. Default: as the flags say, with the others of the flags. */
  readonly admit?: () => Promise<Founding>;
  /** Go on with the data here as a cluster of one. */
  readonly forceNewCluster?: boolean;
}

/** The data directory belongs to another member or another cluster. */
export class ForeignDataError extends Error {
  constructor(folder: string, found: string, expected: string) {
    super(
      `${folder} holds the data of ${found}, not of ${expected}; use another --data-dir or the flags it was made with`,
    );
    this.name = 'ForeignDataError';
  }
}

/** What a member began with was a snapshot, and that is gone: without it, it would begin with nothing. */
export class RestoredStateMissingError extends Error {
  constructor(folder: string) {
    super(
      `${folder} has no checkpoint that is whole, and this member was restored from a snapshot: ` +
        'remove the data directory and restore it again, or let the member join the others anew',
    );
    this.name = 'RestoredStateMissingError';
  }
}

/** Brings back what is on disk: the newest checkpoint, and the log from there on. */
export async function startUp(options: StartUpOptions): Promise<Started> {
  const { disk, dataDir, log, walSegmentBytes } = options;
  await refuseEtcdData(disk, dataDir);
  const folder = join(dataDir, 'member');
  const snapFolder = join(folder, 'snap');
  const walFolder = options.walDir ?? join(folder, 'wal');
  for (const made of [dataDir, folder, snapFolder, walFolder]) await makeDurableFolder(disk, made);
  const founding = await foundingIn(folder, options);
  const { clusterId, raftId } = founding;
  const checkpointer = new Checkpointer(disk, snapFolder, clusterId, log);
  const restored = await checkpointer.load();
  if (founding.isRestored === true && restored === undefined) throw new RestoredStateMissingError(snapFolder);
  if (founding.hasLog === true && !(await isLogIn(disk, walFolder))) throw new LogMissingError(walFolder);
  const identity = { clusterId, raftId };
  const { wal, contents } = await Wal.open({
    disk,
    folder: walFolder,
    identity,
    after: restored?.metadata.index ?? 0,
    ...(walSegmentBytes !== undefined && { segmentBytes: walSegmentBytes }),
  });
  requireOwn(folder, contents?.identity ?? identity, identity);
  // Only now: a crash before this has left a log that nothing was promised by.
  if (founding.hasLog !== true) await writeFounding(disk, folder, { ...founding, hasLog: true });
  const first = firstState(founding);
  const { index } = restored?.metadata ?? first.metadata;
  if (begunAfter(contents) > index) throw new CheckpointMissingError(snapFolder, begunAfter(contents));
  const { initial: found, isCutOff } = initialState(contents, restored, first.metadata);
  const initial = { ...found, hardState: withPledge(found.hardState, founding) };
  // The log ends before the checkpoint, or does not lead to it: from now on it starts there.
  if (isCutOff) {
    await wal.append({
      snapshot: restored?.metadata ?? first.metadata,
      hardState: hardStateToWire(initial.hardState),
    });
  }
  const stored = restored?.state.members;
  const members = stored === undefined || stored.all().length === 0 ? first.members : stored;
  const started = { wal, checkpointer, restored, founding, members, initial };
  return options.forceNewCluster === true ? aloneFrom(started, log) : started;
}

/** Who this member is: as it was written down, or as it is found out now. */
async function foundingIn(folder: string, options: StartUpOptions): Promise<Founding> {
  const { disk, cluster } = options;
  const known = await readFounding(disk, folder);
  if (known !== undefined) {
    const { self } = cluster;
    // Members that joined have ids that do not follow from flags; then the name must do.
    if (known.raftId !== self.raftId && known.name !== self.name) {
      throw new ForeignDataError(folder, `member "${known.name}"`, `"${self.name}"`);
    }
    return known;
  }
  // A crash before the founding was written down has left neither.
  const hasData =
    (await disk.list(options.walDir ?? join(folder, 'wal'))).length > 0 ||
    (await disk.list(join(folder, 'snap'))).length > 0;
  const founding = hasData
    ? // Written by a version that had no foundings: then the flags said it at every start, and logs began at 1.
      { ...foundingOf(cluster), first: NOTHING }
    : { ...(await (options.admit?.() ?? foundingOf(cluster))), life: options.random.uuid() };
  await writeFounding(disk, folder, founding);
  return founding;
}

async function isLogIn(disk: Disk, folder: string): Promise<boolean> {
  return (await disk.list(folder)).some((file) => parseSegmentFile(file) !== undefined);
}

/** CONF-5: what it may have promised before it lost its data is promised again. */
function withPledge(hardState: HardState, { term, vote }: Founding): HardState {
  return hardState.term >= term ? hardState : { ...hardState, term, vote };
}

async function aloneFrom(started: Started, log: Logger): Promise<Started> {
  const { wal, initial, founding, members } = started;
  const added = entriesToBeAlone(initial, members, founding.raftId);
  const entries = [...initial.log.entries, ...added];
  const hardState = {
    term: Math.max(initial.hardState.term, entries.at(-1)?.term ?? 0),
    vote: initial.hardState.vote,
    commit: entries.at(-1)?.index ?? initial.hardState.commit,
  };
  await wal.append({
    entries: added.map(entryToWire),
    hardState: hardStateToWire(hardState),
  });
  log.warn('forced a new cluster of this member alone', { removed: added.length, index: hardState.commit });
  return { ...started, initial: { ...initial, hardState, log: { ...initial.log, entries } } };
}

/** A folder is as lasting as its name in the folder above: without that, a crash takes all that is in it. */
async function makeDurableFolder(disk: Disk, path: string): Promise<void> {
  await disk.makeFolder(path);
  await disk.syncFolder(dirname(path));
}

/**
 * What Raft starts from. Entries after the checkpoint count only if the log leads to it: if it has the
 * checkpoint's own entry with the same term, or was begun there.
 */
export function initialState(
  contents: WalContents | undefined,
  restored: Pick<Restored, 'metadata'> | undefined,
  first: SnapshotMetadata,
): { readonly initial: InitialState; readonly isCutOff: boolean } {
  const { index, term, conf } = restored?.metadata ?? first;
  const entries = (contents?.entries ?? []).map(entryFromWire);
  const own = entries.find((entry) => entry.index === index);
  const begunAt = begunAfter(contents);
  const leadsThere =
    index === 0 || own?.term === term || (begunAt === index && contents?.snapshot?.term === term);
  const kept = leadsThere ? entries.filter((entry) => entry.index > index) : [];
  assert(begunAt <= index, 'WAL-3', 'the checkpoint that the log follows is missing');
  const hard = contents?.hardState;
  const hardState = {
    term: Math.max(hard?.term ?? 0, term),
    vote: hard === undefined || hard.vote === '' || hard.term < term ? undefined : hard.vote,
    commit: Math.min(Math.max(hard?.commit ?? 0, index), kept.at(-1)?.index ?? index),
  };
  return {
    initial: {
      hardState,
      conf,
      applied: index,
      log: { snapshotIndex: index, snapshotTerm: term, entries: kept },
    },
    isCutOff: !leadsThere,
  };
}

/** The entry after which the log begins. */
function begunAfter(contents: WalContents | undefined): number {
  return contents?.snapshot?.index ?? (contents?.entries[0]?.index ?? 1) - 1;
}

function requireOwn(
  folder: string,
  found: { clusterId: Int64; raftId: string },
  expected: { clusterId: Int64; raftId: string },
): void {
  if (found.clusterId === expected.clusterId && found.raftId === expected.raftId) return;
  const name = ({ clusterId, raftId }: typeof found): string =>
    `member ${raftId} of cluster ${clusterId.toString(16)}`;
  throw new ForeignDataError(folder, name(found), name(expected));
}
