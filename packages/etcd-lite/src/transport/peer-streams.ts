import { acceptMessages, type MessageSocket, refuseUpgrade, RpcError, type Upgrade } from '@kubelab/rpc';
import { raftMessagesCodec } from '../wire.ts';
import { callerOf, REMOVED_TEXT } from './caller.ts';
import { messageFromWire } from './message-codec.ts';
import type { PeerDoor } from './peer-door.ts';
import { KEEPALIVE_TIME_MS, RAFT_PATH, RAFT_PROTOCOL } from './peer-link.ts';

/** A batch of appends. */
const RECEIVE_BYTES_MAX = 64 * 1024 * 1024;

/** The other members' streams of Raft messages to this one; of each member one is heard. */
export class PeerStreams {
  readonly #door: PeerDoor;
  readonly #streams = new Map<string, MessageSocket>();

  constructor(door: PeerDoor) {
    this.#door = door;
    void door.member.then(({ onStreams }) => onStreams((raftId) => this.#forget(raftId)));
  }

  /** For `GrpcServer`. */
  readonly onUpgrade = (upgrade: Upgrade): void => void this.#take(upgrade);

  async #take(upgrade: Upgrade): Promise<void> {
    const { request } = upgrade;
    if (request.url !== RAFT_PATH || request.headers.upgrade !== RAFT_PROTOCOL) {
      return refuseUpgrade(upgrade, 404, `there is nothing but ${RAFT_PATH} here, for ${RAFT_PROTOCOL}`);
    }
    try {
      await this.#hear(upgrade);
    } catch (error) {
      const isGone = error instanceof RpcError && error.details === REMOVED_TEXT;
      const text = error instanceof RpcError ? error.details : String(error);
      refuseUpgrade(upgrade, isGone ? 410 : 412, text);
    }
  }

  /** Throws why not. */
  async #hear(upgrade: Upgrade): Promise<void> {
    const options = await this.#door.member;
    if (upgrade.socket.destroyed) return;
    const from = callerOf({ header: (name) => first(upgrade.request.headers[name]) }, options);
    // A stream that was given up long ago may arrive after its successor: then that one is ended, and opened again.
    this.#forget(from);
    const stream = acceptMessages(upgrade, {
      protocol: RAFT_PROTOCOL,
      receiveBytesMax: RECEIVE_BYTES_MAX,
      idleTimeoutMs: 3 * KEEPALIVE_TIME_MS,
      onMessage: (bytes) => {
        if (options.isRemoved(from)) return this.#forget(from);
        const { messages } = raftMessagesCodec.decode(bytes);
        options.onMessages(messages.map(messageFromWire).filter((message) => message !== undefined));
      },
      onEnd: (err) => {
        options.log.debug('peer stream ended', { peer: from, err });
        this.#streams.delete(from);
        options.onPeerGone(from);
      },
    });
    this.#streams.set(from, stream);
  }

  /** Ended, not only ignored: whoever is still there opens another one, and is heard again. */
  #forget(raftId: string): void {
    this.#streams.get(raftId)?.destroy();
    this.#streams.delete(raftId);
  }
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'object' ? value[0] : value;
}
