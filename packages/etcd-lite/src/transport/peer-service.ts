import type { Disk, Logger } from '@kubelab/component-base';
import { type CallInfo, type GrpcServer, RpcError, type ServerStream, StatusCode } from '@kubelab/rpc';
import type {
  HashKVRequest,
  HashKVResponse,
  LeaseId,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '@kubelab/rpc/etcd';
import type { Init } from '@kubelab/rpc';
import type { Message } from 'raft-consensus';
import { CheckpointWriter } from '../checkpoint/checkpoint-file.ts';
import {
  type ClusterDescription,
  type JoinRequest,
  type JoinResponse,
  peerService,
  type SnapshotChunk,
} from '../wire.ts';
import { messageFromWire } from './message-codec.ts';
import type { PeerDoor } from './peer-door.ts';
import { callerOf } from './caller.ts';
import type { Lives } from './peers.ts';

export interface PeerServiceOptions {
  readonly clusterId: string;
  /** This member's own id. */
  readonly raftId: string;
  readonly describe: () => ClusterDescription;
  readonly join: (request: JoinRequest) => Promise<JoinResponse>;
  /** `change` as JSON. */
  readonly changeMembers: (change: string) => Promise<object>;
  readonly isRemoved: (raftId: string) => boolean;
  readonly lives: Lives;
  /** The caller knows an earlier life of this member. */
  readonly onForgotten: () => void;
  /** The caller can be answered there. */
  readonly onMet: (raftId: string, urls: readonly string[]) => void;
  /** Called once, with what makes this service deaf to a member until it opens a new stream. */
  readonly onStreams: (forget: (raftId: string) => void) => void;
  readonly disk: Disk;
  readonly snapshotFolder: string;
  readonly log: Logger;
  readonly onMessages: (messages: readonly Message[]) => void;
  /** The other side's stream has ended: it is probably gone. */
  readonly onPeerGone: (id: string) => void;
  readonly leaseRenew: (id: LeaseId) => Promise<number>;
  readonly hashKv: (request: HashKVRequest) => Promise<Init<HashKVResponse>>;
  readonly leaseTimeToLive: (request: LeaseTimeToLiveRequest) => Promise<Init<LeaseTimeToLiveResponse>>;
}

/** Serves what the other members send; what comes before this member is up waits at the door. */
export function addPeerService(server: GrpcServer, door: PeerDoor): void {
  let incoming = 0;

  async function snapshot(stream: ServerStream<SnapshotChunk, object>): Promise<void> {
    const options = await door.member;
    const from = callerOf(stream, options);
    await receiveSnapshot(stream, `incoming-${incoming++}.tmp`, options);
    options.log.info('received a snapshot', { peer: from });
    stream.write({});
  }

  /** For members only. */
  const asked =
    <Req, Res>(answer: (options: PeerServiceOptions, request: Req) => Promise<Res> | Res) =>
    async (request: Req, call: CallInfo): Promise<Res> => {
      const options = await door.member;
      callerOf(call, options);
      return answer(options, request);
    };

  server.addService(peerService, {
    unary: {
      LeaseRenew: asked(async ({ leaseRenew }, { ID }: { ID: LeaseId }) => ({ TTL: await leaseRenew(ID) })),
      LeaseTimeToLive: asked((options, request: LeaseTimeToLiveRequest) => options.leaseTimeToLive(request)),
      HashKV: asked((options, request: HashKVRequest) => options.hashKv(request)),
      ChangeMembers: asked((options, { change }: { change: string }) => options.changeMembers(change)),
      // These are asked by those who do not know yet who they are.
      Describe: ({ raftId }: { raftId: string }) => door.describe(raftId),
      Join: async (request: JoinRequest) => (await door.member).join(request),
    },
    bidi: { Snapshot: snapshot },
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
  let isGood = false;
  try {
    for await (const chunk of chunks) {
      if (chunk.message !== null) message = messageFromWire(chunk.message);
      if (chunk.data.length > 0) await writer.addRaw(chunk.data);
      isWhole = chunk.isLast;
    }
    if (!isWhole || message?.type !== 'snapshot')
      throw new RpcError(StatusCode.ABORTED, 'snapshot is not whole');
    await writer.verify();
    isGood = true;
  } finally {
    if (!isGood) await writer.discard();
  }
  const { index, term } = message.snapshot.metadata;
  await writer.publish({ index, term });
  options.onMessages([message]);
}
