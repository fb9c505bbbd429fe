/** Names as etcd's: sequence number and the first index that the segment may hold, both in hexadecimal. */
export interface SegmentName {
  readonly sequence: number;
  readonly firstIndex: number;
}

export const SPARE_NAME = 'spare.tmp';

export function segmentFile({ sequence, firstIndex }: SegmentName): string {
  return `${hex16(sequence)}-${hex16(firstIndex)}.wal`;
}

export function parseSegmentFile(file: string): SegmentName | undefined {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/.exec(file);
  if (match === null) return undefined;
  return { sequence: Number.parseInt(match[1] ?? '', 16), firstIndex: Number.parseInt(match[2] ?? '', 16) };
}

export function hex16(value: number): string {
  return value.toString(16).padStart(16, '0');
}

/** For a member whose files are no longer what it wrote. */
export const DAMAGE_ADVICE =
  'This member must not start from it: where a majority of the others is healthy, empty its data directory and start it ' +
  'again, then it joins them anew; else restore a backup';

/**
 * The log on disk is not what was written, and not by a crash. Starting regardless could lose acknowledged
 * writes.
 */
export class WalDamagedError extends Error {
  constructor(path: string, offset: number, why: string) {
    super(`write-ahead log damaged: ${path} at offset ${offset}: ${why}. ${DAMAGE_ADVICE}`);
    this.name = 'WalDamagedError';
  }
}

/** A log was begun, and none of it is there: what this member acknowledged or voted for since would be forgotten. */
export class LogMissingError extends Error {
  constructor(folder: string) {
    super(
      `${folder} has no write-ahead log, but this member began one; is --wal-dir the one it was started with? ${DAMAGE_ADVICE}`,
    );
    this.name = 'LogMissingError';
  }
}

/** The log goes on from a checkpoint that is not there, or not whole. */
export class CheckpointMissingError extends Error {
  constructor(folder: string, index: number) {
    super(
      `no whole checkpoint in ${folder} reaches entry ${index}, after which the log begins. ${DAMAGE_ADVICE}`,
    );
    this.name = 'CheckpointMissingError';
  }
}
