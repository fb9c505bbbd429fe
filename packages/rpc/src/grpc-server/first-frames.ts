/**
 * etcd's Go client before 3.5 (`etcdctl` of Debian and Ubuntu) names the server by its whole URL where it asks one member alone:
 * `:authority` is `http://10.0.0.1:2379`. Go's servers do not mind; nghttp2 resets such a stream before Node hears of it. So the
 * first headers of a connection are looked at before nghttp2 has them, and the two slashes, which nothing here reads, become
 * dashes: that is as long, also in Huffman's code, and allowed.
 *
 * Go's gRPC sends no headers before the server has said its SETTINGS, and they are nghttp2's to say. Here an empty
 * frame is said before, and the client's acknowledgement of it kept back: nghttp2 then says its own. All this happens
 * only to those who greet with an empty SETTINGS frame, and nothing behind it, which is how Go greets.
 */
export class FirstFrames {
  /** What has come since the preface. */
  #frames: Buffer = Buffer.alloc(0);
  #state: 'new' | 'greeted' | 'acknowledged' = 'new';

  /** What to do now that this has come, the first bytes behind the preface. */
  next(piece: Uint8Array): Verdict {
    this.#frames = Buffer.concat([this.#frames, piece]);
    if (this.#state === 'new') {
      if (this.#frames.length < HEAD_BYTES) return { kind: 'wait' };
      const isEmpty = this.#frames.compare(SETTINGS, 0, HEAD_BYTES, 0, HEAD_BYTES) === 0;
      if (!isEmpty || this.#frames.length > HEAD_BYTES) return this.end();
      this.#state = 'greeted';
      return { kind: 'greet', bytes: SETTINGS };
    }
    if (this.#state === 'greeted') {
      const at = offsetOf(this.#frames, isAcknowledgement);
      if (at === undefined)
        return this.#frames.length > HELD_BYTES_MAX ? { kind: 'refuse' } : { kind: 'wait' };
      this.#frames = Buffer.concat([this.#frames.subarray(0, at), this.#frames.subarray(at + HEAD_BYTES)]);
      this.#state = 'acknowledged';
    }
    const isEnough = hasSecond(this.#frames) || this.#frames.length > HELD_BYTES_MAX;
    return isEnough ? this.end() : { kind: 'wait' };
  }

  /** No more is waited for. */
  end(): Verdict {
    if (this.#state === 'greeted') return { kind: 'refuse' };
    const at = offsetOf(this.#frames, isHeaders);
    if (at !== undefined) {
      const from = at + HEAD_BYTES;
      mendAuthority(this.#frames.subarray(from, from + this.#frames.readUIntBE(at, 3)));
    }
    return { kind: 'go', bytes: this.#frames };
  }
}

export type Verdict =
  | { readonly kind: 'wait' }
  | { readonly kind: 'refuse' }
  /** To be said to the client. */
  | { readonly kind: 'greet'; readonly bytes: Uint8Array }
  /** To be read by nghttp2, behind the preface. */
  | { readonly kind: 'go'; readonly bytes: Uint8Array };

const HEAD_BYTES = 9;
/** More than a client may send before it has read a server's SETTINGS. */
const HELD_BYTES_MAX = 128 * 1024;
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

const HEADERS_TYPE = 1;
const SETTINGS_TYPE = 4;
const ACK = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 32;

type FrameTest = (type: number, flags: number) => boolean;
const isAcknowledgement: FrameTest = (type, flags) => type === SETTINGS_TYPE && (flags & ACK) !== 0;
const isHeaders: FrameTest = (type, flags) =>
  type === HEADERS_TYPE && (flags & (END_HEADERS | PADDED | PRIORITY)) === END_HEADERS;

/** Of the first such frame that is there wholly. */
function offsetOf(frames: Buffer, test: FrameTest): number | undefined {
  for (let at = 0; at + HEAD_BYTES <= frames.length; at += HEAD_BYTES + frames.readUIntBE(at, 3)) {
    const isWhole = at + HEAD_BYTES + frames.readUIntBE(at, 3) <= frames.length;
    if (isWhole && test(frames[at + 3] ?? 0, frames[at + 4] ?? 0)) return at;
  }
  return undefined;
}

/** Whether the whole frame behind the client's SETTINGS is there. */
function hasSecond(frames: Buffer): boolean {
  const head = 2 * HEAD_BYTES;
  return frames.length >= head && frames.length >= head + frames.readUIntBE(HEAD_BYTES, 3);
}

/** `http://` as HPACK's Huffman code has it: 41 bits, the last of them 0. */
const HUFFMAN_HTTP = Buffer.from([0x9d, 0x29, 0xae, 0xe3, 0x0c]);
const PLAIN_HTTP = Buffer.from('http://');

/** In place, in a block of HPACK in which nothing has been remembered yet. */
function mendAuthority(block: Buffer): void {
  const authority = authorityIn(block);
  if (authority === undefined) return;
  const { value, isHuffman } = authority;
  if (isHuffman) {
    if (!startsWith(value, HUFFMAN_HTTP) || ((value[5] ?? 0x80) & 0x80) !== 0) return;
    value[3] = 0xe2;
    value[4] = 0xcb;
  } else if (startsWith(value, PLAIN_HTTP)) value.write('--', PLAIN_HTTP.length - 2, 'latin1');
}

const startsWith = (value: Buffer, start: Buffer): boolean =>
  value.length > start.length && value.compare(start, 0, start.length, 0, start.length) === 0;

/** Header 1 of HPACK's static table. */
const AUTHORITY = 1;

/** The bytes of `:authority` where it is written out. */
function authorityIn(block: Buffer): { readonly value: Buffer; readonly isHuffman: boolean } | undefined {
  let at = 0;
  /** An integer whose first byte shares its upper bits with something else (RFC 7541, 5.1). */
  const integer = (bits: number): number => {
    const max = 2 ** bits - 1;
    let value = (block[at++] ?? 0) & max;
    if (value < max) return value;
    for (let factor = 1; at < block.length; factor *= 128) {
      const byte = block[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    return value;
  };
  while (at < block.length) {
    const first = block[at] ?? 0;
    const isIndexed = (first & 0x80) !== 0;
    const isTableSize = (first & 0xe0) === 0x20;
    if (isIndexed || isTableSize) {
      integer(isIndexed ? 7 : 5);
      continue;
    }
    const name = integer((first & 0x40) === 0 ? 4 : 6);
    if (name === 0) {
      const nameLength = integer(7);
      at += nameLength;
    }
    const isHuffman = ((block[at] ?? 0) & 0x80) !== 0;
    const length = integer(7);
    const value = block.subarray(at, at + length);
    if (name === AUTHORITY) return { value, isHuffman };
    at += length;
  }
  return undefined;
}
