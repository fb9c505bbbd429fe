import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeFrame, frameAt } from './frame.ts';

describe('a record whose header lies in two sectors', () => {
  // A length that is one bit away from 0: what is missing must not look like a bit that was changed.
  for (const length of [64, 100, 700]) {
    test(`WAL-3 is an unfinished write when only the second one was written (${length} bytes)`, () => {
      const first = encodeFrame(Buffer.alloc(488, 1), 0);
      assert.equal(first.bytes.length, 504);
      const second = encodeFrame(Buffer.alloc(length, 2), first.checksum);
      const file = Buffer.concat([first.bytes, second.bytes, Buffer.alloc(2048)]);
      assert.equal(frameAt(file, 504, first.checksum).type, 'record');
      file.fill(0, 504, 512);
      assert.deepEqual(frameAt(file, 504, first.checksum), { type: 'torn' });
    });
  }
});
