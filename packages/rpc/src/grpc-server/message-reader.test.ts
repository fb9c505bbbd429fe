import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { isRpcError } from '../status.ts';
import { frameOf, MessageReader } from './message-reader.ts';

function read(pieces: readonly Buffer[], bytesMax = 1000, encoding?: string): string[] {
  const reader = new MessageReader(bytesMax, encoding);
  const messages: string[] = [];
  const receiver = { message: (bytes: Uint8Array) => messages.push(Buffer.from(bytes).toString('latin1')) };
  for (const piece of pieces) reader.push(piece, receiver);
  if (reader.isPartial) messages.push('…');
  return messages;
}

function compressed(text: string): Buffer {
  const frame = frameOf(gzipSync(text));
  frame[0] = 1;
  return frame;
}

test('messages come out whole and in order, however a body is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'binary-ascii', maxLength: 50 }), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (messages, lengths) => {
        const body = Buffer.concat(messages.map((text) => frameOf(Buffer.from(text, 'latin1'))));
        const pieces: Buffer[] = [];
        for (let at = 0, i = 0; at < body.length; i++) {
          const end = at + (lengths[i % lengths.length] ?? 1);
          pieces.push(body.subarray(at, end));
          at = end;
        }
        assert.deepEqual(read(pieces), messages);
      },
    ),
  );
});

test('what was begun and not ended is known', () => {
  const frame = frameOf(Buffer.from('hello'));
  assert.deepEqual(read([frame.subarray(0, 3)]), ['…']);
  assert.deepEqual(read([Buffer.concat([frame, frame.subarray(0, 7)])]), ['hello', '…']);
});

test('a message larger than allowed is refused by its announced length', () => {
  const announced = Buffer.from([0, 0, 0, 0x10, 0]);
  assert.throws(
    () => read([announced], 100),
    (error) =>
      isRpcError(error, 'RESOURCE_EXHAUSTED') &&
      error.details === 'grpc: received message larger than max (4096 vs. 100)',
  );
});

test('a compressed message is inflated, if the header said how, and no further than allowed', () => {
  assert.deepEqual(read([compressed('hello')], 100, 'gzip'), ['hello']);
  assert.throws(() => read([compressed('hello')], 100), /compressed flag set with identity/);
  assert.throws(
    () => read([compressed('x'.repeat(100_000))], 1000, 'gzip'),
    (error) => isRpcError(error, 'RESOURCE_EXHAUSTED'),
  );
  const broken = frameOf(Buffer.from('this is no gzip'));
  broken[0] = 1;
  assert.throws(() => read([broken], 100, 'gzip'), /failed to decompress/);
  broken[0] = 7;
  assert.throws(() => read([broken], 100, 'gzip'), /unexpected payload format 7/);
});
