import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { walRecordCodec } from '../wire.ts';
import { encodeFrame, FRAME_HEADER_BYTES, frameAt } from './frame.ts';
import { RecordBuffer } from './record-buffer.ts';

const entry = fc.record({
  term: fc.oneof(fc.nat(300), fc.maxSafeNat()),
  // Logs begin at 1.
  index: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  isConfChange: fc.boolean(),
  data: fc.uint8Array({ maxLength: 400 }),
});
const record = fc.record({
  identity: fc.option(fc.record({ clusterId: fc.nat(), raftId: fc.string() })),
  hardState: fc.option(fc.record({ term: fc.nat(), vote: fc.string(), commit: fc.maxSafeNat() })),
  entries: fc.array(entry, { maxLength: 20 }),
});

test('what it writes is what the codec reads, and would have written', () => {
  const buffer = new RecordBuffer();
  fc.assert(
    fc.property(record, fc.nat(), (given, previous) => {
      const { bytes, checksum } = buffer.frame(given, previous);
      const found = frameAt(Buffer.from(bytes), 0, previous);
      assert.ok(found.type === 'record' && found.checksum === checksum);
      assert.deepEqual(
        walRecordCodec.decode(found.payload),
        walRecordCodec.decode(walRecordCodec.encode(given)),
      );
      assert.equal(found.payload.length, walRecordCodec.encode(given).length);
      assert.equal(bytes.length, encodeFrame(found.payload, previous).bytes.length);
    }),
  );
  assert.equal(FRAME_HEADER_BYTES % 8, 0);
});
