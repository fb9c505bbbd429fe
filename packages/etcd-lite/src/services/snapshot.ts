import { createHash } from 'node:crypto';
import type { Init, ServerStream } from '@kubelab/rpc';
import type {
  HashKVRequest,
  HashKVResponse,
  HashResponse,
  SnapshotRequest,
  SnapshotResponse,
} from '@kubelab/rpc/etcd';
import { piecesOf, planDatabase } from '../bbolt/writer.ts';
import { hashKv } from '../core/hash-kv.ts';
import { exportState } from '../schema/export.ts';
import { hashBuckets } from '../schema/hash-buckets.ts';
import type { Member } from '../shell/member.ts';
import { inSlices, nextTurn } from '../slices.ts';
import { header } from './header.ts';

/** etcd's: bytes of the database in one response. */
const BLOB_BYTES = 32 * 1024;
/** Responses written in one go while the client takes them. */
const BLOBS_PER_TURN = 8;
/** The schema's, which is that of etcd 3.5. */
export const STORAGE_VERSION = '3.5.0';

/** What of etcd's Maintenance service goes over the whole store, in slices that other requests fit between. */
export function snapshotService(member: Member) {
  const { machine, options } = member;

  /**
   * The state as etcd's database file, then the SHA-256 of that. Nothing is held in memory but the order of
   * the versions; a client that reads slowly slows the writing down.
   */
  async function snapshot(
    _request: SnapshotRequest,
    stream: ServerStream<unknown, Init<SnapshotResponse>>,
  ): Promise<void> {
    const { index } = member.position;
    const plan = await inSlices(planDatabase(await inSlices(exportState(machine.state, member.position))));
    options.log.info('sending a snapshot', { index, bytes: plan.bytes, to: stream.peer });
    const digest = createHash('sha256');
    let remainingBytes = plan.bytes;
    let count = 0;
    for (const blob of piecesOf(plan, BLOB_BYTES)) {
      if (stream.isOver) return;
      digest.update(blob);
      remainingBytes -= blob.length;
      const hasRoom = stream.write({ remainingBytes, blob, version: STORAGE_VERSION });
      if (!hasRoom) await stream.drained();
      else if (++count % BLOBS_PER_TURN === 0) await nextTurn();
    }
    stream.write({ remainingBytes: 0, blob: digest.digest(), version: STORAGE_VERSION });
  }

  /** Of everything in the database but how far the log has come; only for tests, says etcd. */
  async function hash(): Promise<Init<HashResponse>> {
    const { revision } = machine.store;
    const buckets = await inSlices(exportState(machine.state, member.position));
    return { header: header(member, revision), hash: await inSlices(hashBuckets(buckets)) };
  }

  async function hashKvAt({ revision }: HashKVRequest): Promise<Init<HashKVResponse>> {
    const current = machine.store.revision;
    const found = await inSlices(hashKv(machine.store, revision));
    return { header: header(member, current), ...found };
  }

  return { snapshot, hash, hashKv: hashKvAt };
}
