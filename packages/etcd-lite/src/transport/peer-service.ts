import type { Disk, Logger } from '@kubelab/component-base';
import { type CallInfo, type GrpcServer, RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import type { LeaseId, LeaseTimeToLiveRequest, LeaseTimeToLiveResponse } from '@kubelab/rpc/etcd';
import type { Init } from '@kubelab/rpc';
import type { Message } from 'raft-consensus';
import { CheckpointWriter } from '../checkpoint/checkpoint-file.ts';
import { peerService, type SnapshotChunk, type WireMessage } from '../wire.ts';
import { messageFromWire } from './message-codec.ts';

export interface PeerServiceOptions {
  readonly clusterId: string;
  readonly disk: Disk;
  readonly snapshotFolder: string;
  readonly log: Logger;
  readonly onMessages: (messages: readonly Message[]) => void;
  /** The other side's stream has ended: it is probably gone. */
  readonly onPeerGone: (id: string) => void;
  readonly leaseRenew: (id: LeaseId) => Promise<number>;
  readonly leaseTimeToLive: (request: LeaseTimeToLiveRequest) => Promise<Init<LeaseTimeToLiveResponse>>;
}

/** Serves what the other members send. */
export function addPeerService(server: GrpcServer, options: PeerServiceOptions): void {
  const streams = new Map<string, object>();
  let incoming = 0;

  async function messages(stream: ServerStream<{ messages: readonly WireMessage[] }, object>): Promise<void> {
    const from = callerOf(stream, options.clusterId);
    streams.set(from, stream);
    stream.write({});
    stream.onMessage((batch) =>
      options.onMessages(batch.messages.map(messageFromWire).filter((message) => message !== undefined)),
    );
    await stream.ended;
    // A newer stream of the same member may have taken over already.
    if (streams.get(from) !== stream) return;
    streams.delete(from);
    options.onPeerGone(from);
  }

  async function snapshot(stream: ServerStream<SnapshotChunk, object>): Promise<void> {
    const from = callerOf(stream, options.clusterId);
    await receiveSnapshot(stream, `incoming-${incoming++}.tmp`, options);
    options.log.info('received a snapshot', { peer: from });
    stream.write({});
  }

  server.addService(peerService, {
    unary: {
      LeaseRenew: async ({ ID }: { ID: LeaseId }, call) => {
        callerOf(call, options.clusterId);
        return { TTL: await options.leaseRenew(ID) };
      },
      LeaseTimeToLive: (request: LeaseTimeToLiveRequest, call) => {
        callerOf(call, options.clusterId);
        return options.leaseTimeToLive(request);
      },
    },
    bidi: { Messages: messages, Snapshot: snapshot },
  });
}

/** Takes a whole checkpoint into this member's folder, and then its Raft message. */
export async function receiveSnapshot(
  chunks: AsyncIterable<SnapshotChunk>,
  temporaryName: string,
  options: Pick<PeerServiceOptions, 'disk' | 'snapshotFolder' | 'onMessages'>,
): Promise<void> {
  const writer = await CheckpointWriter.create(options.disk, options.snapshotFolder, temporaryName);
  let message: Message | undefined;
  let isWhole = false;
  try {
    for await (const chunk of chunks) {
      if (chunk.message !== null) message = messageFromWire(chunk.message);
      if (chunk.data.length > 0) await writer.addRaw(chunk.data);
      isWhole = chunk.isLast;
    }
    if (isWhole) await writer.verify();
  } finally {
    if (!isWhole) await writer.discard();
  }
  if (!isWhole || message?.type !== 'snapshot')
    throw new RpcError(StatusCode.ABORTED, 'snapshot is not whole');
  const { index, term } = message.snapshot.metadata;
  await writer.publish({ index, term });
  options.onMessages([message]);
}

/** The Raft id of the caller. Members of other clusters are refused: they have our address by mistake. */
function callerOf(call: CallInfo, clusterId: string): string {
  if (call.header('cluster-id') !== clusterId) {
    throw new RpcError(StatusCode.FAILED_PRECONDITION, 'etcdserver: cluster ID mismatch');
  }
  return call.header('raft-id') ?? '';
}
