import { dirname, join } from 'node:path';
import { assert, type Disk, type Logger } from '@kubelab/component-base';
import type { Int64 } from '@kubelab/rpc';
import { confOf, type ConfState, type InitialState } from 'raft-consensus';
import { entryFromWire } from '../transport/message-codec.ts';
import type { WalContents } from '../wal/recovery.ts';
import { Wal } from '../wal/wal.ts';
import { Checkpointer, type Restored } from './checkpointer.ts';
import type { Cluster } from './cluster.ts';

export interface Started {
  readonly wal: Wal;
  readonly checkpointer: Checkpointer;
  /** Undefined: nothing was ever checkpointed. */
  readonly restored: Restored | undefined;
  readonly initial: InitialState;
}

export interface StartUpOptions {
  readonly disk: Disk;
  readonly dataDir: string;
  readonly cluster: Cluster;
  readonly log: Logger;
  /** Of a segment of the log; default: `Wal`'s. */
  readonly walSegmentBytes?: number;
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

/** Brings back what is on disk: the newest checkpoint, and the log from there on. */
export async function startUp(options: StartUpOptions): Promise<Started> {
  const { disk, dataDir, cluster, log, walSegmentBytes } = options;
  const folder = join(dataDir, 'member');
  const identity = { clusterId: cluster.id, raftId: cluster.self.raftId };
  const checkpointer = new Checkpointer(disk, join(folder, 'snap'), cluster.id, log);
  const walFolder = join(folder, 'wal');
  for (const made of [dataDir, folder, checkpointer.folder, walFolder]) await makeDurableFolder(disk, made);
  const restored = await checkpointer.load();
  const { wal, contents } = await Wal.open({
    disk,
    folder: walFolder,
    identity,
    ...(walSegmentBytes !== undefined && { segmentBytes: walSegmentBytes }),
  });
  requireOwn(folder, contents?.identity ?? identity, identity);
  const conf = confOf(cluster.members.map(({ raftId }) => raftId));
  const { initial, isCutOff } = initialState(contents, restored, conf);
  // The log ends before the checkpoint, or does not lead to it: from now on it starts there.
  if (isCutOff && restored !== undefined) {
    await wal.append({
      snapshot: restored.metadata,
      hardState: { ...initial.hardState, vote: initial.hardState.vote ?? '' },
    });
  }
  return { wal, checkpointer, restored, initial };
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
  firstConf: ConfState,
): { readonly initial: InitialState; readonly isCutOff: boolean } {
  const { index, term, conf } = restored?.metadata ?? { index: 0, term: 0, conf: firstConf };
  const entries = (contents?.entries ?? []).map(entryFromWire);
  const own = entries.find((entry) => entry.index === index);
  const begunAt = contents?.snapshot?.index ?? (entries[0]?.index ?? 1) - 1;
  const leadsThere =
    index === 0 || own?.term === term || (begunAt === index && contents?.snapshot?.term === term);
  const kept = leadsThere ? entries.filter((entry) => entry.index > index) : [];
  assert(begunAt <= index || entries.length === 0, 'WAL-3', 'the checkpoint that the log follows is missing');
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
