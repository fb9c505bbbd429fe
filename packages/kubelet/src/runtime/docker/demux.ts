import { Writable } from 'node:stream';

const HEADER_BYTES = 8;
const STDERR = 2;

/**
 * Takes the engine's multiplexed output (8 bytes of header: stream, three zeroes, length; then the payload) apart into
 * stdout and stderr. A slow sink slows the source.
 */
export function demuxer(stdout: Writable | undefined, stderr: Writable | undefined): Writable {
  let pending: Buffer = Buffer.alloc(0);
  let target: Writable | undefined;
  let left = 0;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      drain().then(() => done(), done);
    },
  });

  async function drain(): Promise<void> {
    for (;;) {
      if (left === 0) {
        if (pending.length < HEADER_BYTES) return;
        target = pending[0] === STDERR ? stderr : stdout;
        left = pending.readUInt32BE(4);
        pending = pending.subarray(HEADER_BYTES);
      }
      if (pending.length === 0 && left > 0) return;
      const piece = pending.subarray(0, left);
      pending = pending.subarray(piece.length);
      left -= piece.length;
      if (target !== undefined && piece.length > 0) await write(target, piece);
    }
  }
}

/** Resolves when the sink has room again. */
export function write(sink: Writable, piece: Buffer): Promise<void> {
  if (sink.destroyed || sink.write(piece)) return Promise.resolve();
  return new Promise((resolve) => {
    const go = () => {
      sink.off('drain', go);
      sink.off('close', go);
      resolve();
    };
    sink.once('drain', go);
    sink.once('close', go);
  });
}
