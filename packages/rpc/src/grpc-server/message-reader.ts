import { gunzipSync } from 'node:zlib';
import { RpcError, StatusCode } from '../status.ts';

/** Of the flag and the length before each message. */
export const PREFIX_BYTES = 5;
const FLAG_COMPRESSED = 1;
const HELD_BYTES_MIN = 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/** A message as gRPC puts it into an HTTP/2 body: not compressed, its length, its bytes. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

export interface MessageReceiver {
  /** The bytes may be a slice of a larger buffer. */
  message(bytes: Uint8Array): void;
}

/**
 * Cuts a body, which comes in pieces of any size, into its messages. Errors are gRPC's statuses, in the words of
 * grpc-go; after one there is no way to go on.
 */
export class MessageReader {
  readonly #bytesMax: number;
  /** As the header `grpc-encoding` says; only `gzip` can be undone. */
  readonly #encoding: string | undefined;
  /** The begin of a message that is not whole yet: one buffer, however small the pieces are. */
  #held = NOTHING;
  #heldBytes = 0;
  /** Of that message with its prefix; 0 while not even the prefix is whole. */
  #wantedBytes = 0;

  constructor(bytesMax: number, encoding: string | undefined) {
    this.#bytesMax = bytesMax;
    this.#encoding = encoding === 'identity' ? undefined : encoding;
  }

  /** In the middle of a message. */
  get isPartial(): boolean {
    return this.#heldBytes > 0;
  }

  /** Hands on each message that this piece completes. */
  push(piece: Buffer, receiver: MessageReceiver): void {
    let rest = piece;
    if (this.#heldBytes > 0) {
      this.#hold(piece);
      if (this.#heldBytes < this.#wantedBytes) return;
      rest = this.#held.subarray(0, this.#heldBytes);
      this.#held = NOTHING;
      this.#heldBytes = 0;
      this.#wantedBytes = 0;
    }
    let at = 0;
    while (rest.length - at >= PREFIX_BYTES) {
      const length = rest.readUInt32BE(at + 1);
      if (length > this.#bytesMax) throw tooLarge(length, this.#bytesMax);
      const end = at + PREFIX_BYTES + length;
      if (end > rest.length) {
        this.#wantedBytes = end - at;
        break;
      }
      receiver.message(this.#plain(rest[at] ?? 0, rest.subarray(at + PREFIX_BYTES, end)));
      at = end;
    }
    if (at < rest.length) this.#hold(rest.subarray(at));
  }

  /** Grows by doubling: what is only announced takes no memory. */
  #hold(piece: Buffer): void {
    const bytes = this.#heldBytes + piece.length;
    if (bytes > this.#held.length) {
      const roomMax = Math.max(this.#wantedBytes, bytes);
      const grown = Buffer.allocUnsafe(Math.min(roomMax, Math.max(HELD_BYTES_MIN, 2 * bytes)));
      this.#held.copy(grown, 0, 0, this.#heldBytes);
      this.#held = grown;
    }
    piece.copy(this.#held, this.#heldBytes);
    this.#heldBytes = bytes;
  }

  #plain(flag: number, payload: Buffer): Uint8Array {
    if (flag === 0) return payload;
    if (flag !== FLAG_COMPRESSED) {
      throw new RpcError(StatusCode.INTERNAL, `grpc: received unexpected payload format ${flag}`);
    }
    if (this.#encoding === undefined) {
      const text = 'grpc: compressed flag set with identity or empty encoding';
      throw new RpcError(StatusCode.INTERNAL, text);
    }
    try {
      return gunzipSync(payload, { maxOutputLength: this.#bytesMax });
    } catch (error) {
      if (error instanceof RangeError) throw tooLarge(this.#bytesMax + 1, this.#bytesMax);
      const text = `grpc: failed to decompress the received message: ${String(error)}`;
      throw new RpcError(StatusCode.INTERNAL, text);
    }
  }
}

function tooLarge(bytes: number, bytesMax: number): RpcError {
  const text = `grpc: received message larger than max (${bytes} vs. ${bytesMax})`;
  return new RpcError(StatusCode.RESOURCE_EXHAUSTED, text);
}
