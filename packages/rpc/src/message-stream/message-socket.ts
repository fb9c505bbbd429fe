import type { Socket } from 'node:net';
import { MessageReader } from '../grpc-server/message-reader.ts';

export interface MessageSocketOptions {
  /** Of one message. */
  readonly receiveBytesMax: number;
  readonly onMessage: (bytes: Uint8Array) => void;
  /** Once, unless it was destroyed here. */
  readonly onEnd: (error: Error) => void;
}

/**
 * A connection that carries nothing but messages, framed as gRPC frames them: a flag (0), the length, the bytes. What is
 * written leaves at once, in the same call, if the connection takes it.
 */
export class MessageSocket {
  readonly #socket: Socket;
  readonly #options: MessageSocketOptions;
  readonly #reader: MessageReader;
  #isOver = false;

  /** `head`: what has been read from it already. */
  constructor(socket: Socket, head: Buffer, options: MessageSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#reader = new MessageReader(options.receiveBytesMax, undefined);
    socket.on('data', (piece: Buffer) => this.#data(piece));
    socket.on('error', (error) => this.#end(error));
    for (const event of ['end', 'close'])
      socket.on(event, () => this.#end(new Error('the stream was cut off')));
    socket.on('timeout', () => this.#end(new Error('the other side has fallen silent')));
    if (head.length > 0) socket.unshift(head);
  }

  /** What the connection has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** `frame`: a message with its prefix. */
  write(frame: Uint8Array): void {
    if (!this.#isOver) this.#socket.write(frame);
  }

  destroy(): void {
    this.#isOver = true;
    this.#socket.destroy();
  }

  #data(piece: Buffer): void {
    try {
      this.#reader.push(piece, this);
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Of the reader. */
  message(bytes: Uint8Array): void {
    if (!this.#isOver) this.#options.onMessage(bytes);
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.destroy();
    this.#options.onEnd(error);
  }
}
