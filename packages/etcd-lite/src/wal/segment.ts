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

/**
 * The log on disk is not what was written, and not by a crash. Starting regardless could lose acknowledged
 * writes.
 */
export class WalDamagedError extends Error {
  constructor(path: string, offset: number, why: string) {
    super(
      `write-ahead log damaged: ${path} at offset ${offset}: ${why}. This member must not start from it: where the other members ` +
        'are healthy, remove the member from the cluster, empty its data directory and add it again; else restore a backup',
    );
    this.name = 'WalDamagedError';
  }
}
