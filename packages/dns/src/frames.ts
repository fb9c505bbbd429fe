/** DNS over TCP: each message behind its length in two bytes (RFC 1035 §4.2.2). */
export function frame(message: Uint8Array): Uint8Array {
  const framed = new Uint8Array(message.length + 2);
  new DataView(framed.buffer).setUint16(0, message.length);
  framed.set(message, 2);
  return framed;
}

export class FrameReader {
  #rest = Buffer.alloc(0);

  /** The messages that are complete with this piece. */
  push(piece: Uint8Array): Uint8Array[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const messages: Uint8Array[] = [];
    while (this.#rest.length >= 2) {
      const end = 2 + this.#rest.readUInt16BE(0);
      if (this.#rest.length < end) break;
      messages.push(this.#rest.subarray(2, end));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}
