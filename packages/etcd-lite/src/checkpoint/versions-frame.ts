import { bytesFieldSize, numberFieldSize, writeFieldHead, writeNumberField } from '../core/protobuf-bytes.ts';
import type { KeyVersion } from '../core/key-version.ts';
import { FRAME_HEADER_BYTES, type Frame, sealFrame } from '../wal/frame.ts';
import type { FrameBuffer } from '../wal/frame-buffer.ts';

/** Tags of `CheckpointRecord.versions` and of the fields of `StoredVersion`. */
const TAGS = { versions: 0x12, kv: 0x0a, sub: 0x10 };

/** A record with these versions, copied from where they are kept. */
export function versionsFrame(buffer: FrameBuffer, versions: readonly KeyVersion[], previous: number): Frame {
  const length = versions.reduce((sum, version) => sum + bytesFieldSize(storedSize(version)), 0);
  const bytes = buffer.frame(length);
  let at = FRAME_HEADER_BYTES;
  for (const version of versions) {
    at = writeFieldHead(bytes, at, TAGS.versions, storedSize(version));
    at = writeFieldHead(bytes, at, TAGS.kv, version.wireLength);
    version.copyWire(bytes, at);
    at = writeNumberField(bytes, at + version.wireLength, TAGS.sub, version.sub);
  }
  return { bytes, checksum: sealFrame(bytes, length, previous) };
}

function storedSize({ wireLength, sub }: KeyVersion): number {
  return bytesFieldSize(wireLength) + numberFieldSize(sub);
}
