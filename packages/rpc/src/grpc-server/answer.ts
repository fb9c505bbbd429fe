import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Connection } from './connection.ts';
import { ACCEPTED_ENCODINGS, CONTENT_TYPE } from './headers.ts';
import type { Sender } from './outbox.ts';
import { OK_TRAILERS, sendTrailers } from './trailers.ts';

const RESPONSE_HEADERS: OutgoingHttpHeaders = { ':status': 200, 'content-type': CONTENT_TYPE };
/** The same; a list Node need not copy (1 µs less). */
const RESPONSE_LIST = [':status', '200', 'content-type', CONTENT_TYPE];
// Node's types do not know `sendDate`: nobody reads a date here.
const WAIT_FOR_TRAILERS = { waitForTrailers: true, sendDate: false };
const END_STREAM = { endStream: true, sendDate: false };

/** The server's half of a call: messages, then the trailers with the status. */
export class Answer implements Sender {
  readonly #stream: ServerHttp2Stream;
  readonly #connection: Connection;
  readonly #onDrain: () => void;
  /** They leave at the end of this turn. */
  #frames: Buffer[] = [];
  #frameBytes = 0;
  #trailers: OutgoingHttpHeaders | undefined;
  #isQueued = false;
  #isAwaitingDrain = false;
  #isLingering = false;
  /** Of a `reply`; the messages of a stream are held back by `hasRoom`. */
  #replyBytes = 0;

  constructor(stream: ServerHttp2Stream, connection: Connection, onDrain: () => void) {
    this.#stream = stream;
    this.#connection = connection;
    this.#onDrain = onDrain;
  }

  get isEnded(): boolean {
    return this.#trailers !== undefined;
  }

  get hasRoom(): boolean {
    const { writableLength, writableHighWaterMark } = this.#stream;
    return this.#frameBytes + writableLength < writableHighWaterMark;
  }

  write(frame: Buffer): void {
    this.#add(frame);
    this.#queue();
  }

  /** The one message of a call that has succeeded. */
  reply(frame: Buffer): void {
    this.#add(frame);
    this.#replyBytes = frame.length;
    this.#connection.unread(frame.length);
    this.end(OK_TRAILERS);
  }

  /** Nothing may be written after it. */
  end(trailers: OutgoingHttpHeaders): void {
    this.#trailers = trailers;
    this.#queue();
  }

  /** However often somebody writes on regardless. */
  #awaitDrain(): void {
    if (this.#isAwaitingDrain) return;
    this.#isAwaitingDrain = true;
    this.#stream.once('drain', () => {
      this.#isAwaitingDrain = false;
      this.#onDrain();
    });
  }

  #add(frame: Buffer): void {
    this.#frames.push(frame);
    this.#frameBytes += frame.length;
  }

  #queue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#connection.options.outbox.add(this);
  }

  /** The stream is at its end. */
  closed(): void {
    if (this.#isLingering) this.#connection.lingered(this.#stream);
    this.#connection.read(this.#replyBytes);
    this.#replyBytes = 0;
  }

  #lingerUnlessEnded(): void {
    if (this.#stream.readableEnded) return;
    this.#isLingering = true;
    this.#connection.linger(this.#stream);
  }

  flush(): void {
    this.#isQueued = false;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    this.#connection.sent();
    const frames = this.#frames;
    const trailers = this.#trailers;
    const isFirst = !stream.headersSent;
    if (isFirst) {
      if (trailers !== undefined && frames.length === 0) {
        answerWithoutMessages(stream, trailers);
        this.#lingerUnlessEnded();
        return;
      }
      stream.respond(RESPONSE_LIST, WAIT_FOR_TRAILERS);
    }
    const chunk = frames.length === 1 ? frames[0] : Buffer.concat(frames, this.#frameBytes);
    this.#frames = [];
    this.#frameBytes = 0;
    if (trailers === undefined) {
      // Room again, perhaps: what was written before this chunk may have left while it waited.
      if (stream.write(chunk)) this.#onDrain();
      else this.#awaitDrain();
      return;
    }
    this.#lingerUnlessEnded();
    stream.on('wantTrailers', trailers === OK_TRAILERS ? sendOk : () => sendTrailers(stream, trailers));
    if (isFirst) {
      // As `end(chunk)`, but that ends the stream only when the chunk has left, and the trailers wait for the end.
      stream._write(chunk, 'buffer' as BufferEncoding, ignore);
      stream.end();
    } else stream.end(chunk);
  }
}

function ignore(): void {}

function sendOk(this: ServerHttp2Stream): void {
  sendTrailers(this, OK_TRAILERS);
}

/** Headers and trailers in one. */
export function answerWithoutMessages(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  stream.respond(
    { ...RESPONSE_HEADERS, 'grpc-accept-encoding': ACCEPTED_ENCODINGS, ...trailers },
    END_STREAM,
  );
}
