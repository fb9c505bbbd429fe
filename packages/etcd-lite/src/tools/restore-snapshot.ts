import { dirname, join } from 'node:path';
import type { Disk, Logger, Random } from '@kubelab/component-base';
import { confOf } from 'raft-consensus';
import type { State } from '../core/state-machine.ts';
import { BEYOND_ALL_KEYS } from '../core/keys.ts';
import { Members } from '../core/members.ts';
import { importState } from '../schema/import.ts';
import { openSnapshot, SnapshotRefusedError } from '../schema/snapshot-file.ts';
import { Checkpointer } from '../shell/checkpointer.ts';
import { type Cluster, restoredClusterId } from '../shell/cluster.ts';
import { foundingOf, writeFounding } from '../shell/founding.ts';

/** The state that a restored member's log follows: never mistaken for that of a new cluster, which is the first. */
const RESTORED = { index: 2, term: 1 } as const;

const ALL_KEYS = { start: '', end: BEYOND_ALL_KEYS };

export interface RestoreOptions {
  readonly disk: Disk;
  readonly log: Logger;
  readonly random: Random;
  readonly snapshot: string;
  readonly dataDir: string;
  /** The new cluster: every member of it is restored from the same snapshot, with the same words. */
  readonly cluster: Cluster;
  readonly skipHashCheck: boolean;
  /** The store's revision is raised by this, and everything before is compacted; 0: neither. */
  readonly bumpRevision: number;
}

/**
 * Makes the data directory of a member of a new cluster out of a snapshot, a real etcd's or ours: as its
 * first state. Nothing is written before all of the snapshot has been read and checked. The cluster's id
 * follows from the snapshot: members that were restored from another one, or from none, are not heard.
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<void> {
  const { disk, log, random, snapshot, dataDir, cluster, bumpRevision } = options;
  if ((await disk.list(dataDir)).length > 0)
    throw new SnapshotRefusedError(`data-dir "${dataDir}" not empty or could not be read`);
  log.info('restoring snapshot', { path: snapshot, 'data-dir': dataDir });
  const { state, digest } = await readSnapshot(options);
  const clusterId = restoredClusterId(cluster.id, `${digest} ${bumpRevision}`);
  const founding = {
    ...foundingOf(cluster),
    clusterId,
    first: RESTORED,
    isRestored: true,
    life: random.uuid(),
  };
  const members = new Members(founding.members);
  const folder = join(dataDir, 'member');
  const snapFolder = join(folder, 'snap');
  for (const made of [dataDir, folder, snapFolder]) {
    await disk.makeFolder(made);
    await disk.syncFolder(dirname(made));
  }
  // Who it is first: without the checkpoint, a member that was restored refuses to start.
  await writeFounding(disk, folder, founding);
  const metadata = { ...RESTORED, conf: confOf(cluster.members.map(({ raftId }) => raftId)) };
  const checkpointer = new Checkpointer(disk, snapFolder, clusterId, log);
  await checkpointer.write(() => ({ state: { ...state, members }, metadata }));
  log.info('restored snapshot', {
    path: snapshot,
    'data-dir': dataDir,
    revision: state.store.revision,
    keys: state.store.range(ALL_KEYS, 0, 1).count,
  });
}

async function readSnapshot(
  options: RestoreOptions,
): Promise<{ readonly state: State; readonly digest: string }> {
  const { disk, snapshot, skipHashCheck, bumpRevision } = options;
  const { database, digest, close } = await openSnapshot(disk, snapshot, { skipHashCheck });
  try {
    return { state: await importState(database, bumpRevision), digest };
  } finally {
    await close();
  }
}
