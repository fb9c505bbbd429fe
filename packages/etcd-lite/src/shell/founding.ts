import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk } from '@kubelab/component-base';
import { confOf, type ConfState } from 'raft-consensus';
import { type MemberRecord, Members } from '../core/members.ts';
import type { Cluster } from './cluster.ts';

/**
 * What a member began with, written down once: from then on neither the flags nor chance decide who it is.
 * As `founding.json` beside its log.
 */
export interface Founding {
  readonly clusterId: number;
  readonly raftId: string;
  readonly name: string;
  /** One of the first members; else it joined, and gets all state from the others. */
  readonly isFounder: boolean;
  /** What its log follows is a checkpoint that was made of a snapshot, and nothing else. */
  readonly isRestored?: boolean;
  /** It has begun its log: where none is found, that was lost. */
  readonly hasLog?: boolean;
  /** What its log follows. */
  readonly first: { readonly index: number; readonly term: number };
  /** It votes in no election up to this term, but for `vote`: it may have forgotten what it did there. */
  readonly term: number;
  readonly vote: string | undefined;
  /** The first members; of one that joined, whom it knew then. */
  readonly members: readonly MemberRecord[];
  /** See `MemberRecord`. */
  readonly life?: string;
}

/**
 * The state that the log of a new cluster follows. A log that begins at 0 has not even that: the leader sends it
 * the whole state, with whoever belongs to the cluster by then.
 */
const FIRST = { index: 1, term: 1 } as const;
export const NOTHING = { index: 0, term: 0 } as const;

const FILE = 'founding.json';

export class FoundingDamagedError extends Error {
  constructor(path: string, cause: unknown) {
    super(`${path} is damaged: remove the data directory, and the member joins again`, { cause });
    this.name = 'FoundingDamagedError';
  }
}

/** A new cluster as the flags describe it. */
export function foundingOf({ id, members, self }: Cluster): Founding {
  return {
    first: FIRST,
    clusterId: id,
    raftId: self.raftId,
    name: self.name,
    isFounder: true,
    term: FIRST.term,
    vote: undefined,
    members: members.map(
      ({ raftId, name, peerUrls }): MemberRecord => ({
        raftId,
        name,
        peerUrls,
        clientUrls: [],
        isLearner: false,
        autoPromote: false,
        life: '',
      }),
    ),
  };
}

/** The state before the first entry. One that joins knows no configuration, and so never campaigns. */
export function firstState(founding: Founding): {
  readonly metadata: { readonly index: number; readonly term: number; readonly conf: ConfState };
  readonly members: Members;
} {
  const { isFounder, first, members } = founding;
  const conf = confOf(isFounder ? members.map(({ raftId }) => raftId) : []);
  return { metadata: { ...first, conf }, members: new Members(members) };
}

/** Undefined: this folder has none. Throws `FoundingDamagedError`. */
export async function readFounding(disk: Disk, folder: string): Promise<Founding | undefined> {
  const path = join(folder, FILE);
  const content = await disk.readFile(path);
  if (content === undefined) return undefined;
  try {
    const { checksum, ...founding } = JSON.parse(Buffer.from(content).toString()) as Founding & {
      readonly checksum: number;
    };
    if (checksum === checksumOf(founding)) return founding;
  } catch (error) {
    throw new FoundingDamagedError(path, error);
  }
  throw new FoundingDamagedError(path, undefined);
}

/** Durable when it resolves, and whole or not there at any time. */
export async function writeFounding(disk: Disk, folder: string, founding: Founding): Promise<void> {
  const path = join(folder, FILE);
  const file = await disk.open(`${path}.tmp`, { create: true, truncate: true });
  try {
    const checked = { ...founding, checksum: checksumOf(founding) };
    await file.write(0, Buffer.from(`${JSON.stringify(checked, undefined, 2)}\n`));
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(`${path}.tmp`, path);
  await disk.syncFolder(dirname(path));
}

/** Of the content, however it is written down. */
function checksumOf(founding: Founding): number {
  return crc32(JSON.stringify(founding));
}
