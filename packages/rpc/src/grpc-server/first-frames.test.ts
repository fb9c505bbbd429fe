import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FirstFrames, type Verdict } from './first-frames.ts';
import { ACK, END_HEADERS, FrameType, rawFrame } from './testing/raw-frames.ts';

/** HPACK's code for some letters (RFC 7541, appendix B). */
const CODES: Readonly<Record<string, string>> = {
  h: '100111',
  t: '01001',
  p: '101011',
  s: '01000',
  '/': '011000',
  '-': '010110',
  '.': '010111',
  ':': '1011100',
  0: '00000',
  1: '00001',
  2: '00010',
  3: '011001',
  7: '011101',
  9: '011111',
};

function huffman(text: string): Buffer {
  const bits = Array.from(text, (letter) => CODES[letter]).join('');
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** As Go writes them: method and scheme by number, path and authority with the name by number. */
function goHeaders(authority: Buffer, isHuffman: boolean): Buffer {
  const path = Buffer.from('/etcdserverpb.Maintenance/Status');
  return rawFrame(
    FrameType.HEADERS,
    END_HEADERS,
    1,
    Buffer.concat([
      Buffer.of(0x83, 0x86, 0x44, path.length),
      path,
      Buffer.of(0x41, authority.length | (isHuffman ? 0x80 : 0)),
      authority,
      Buffer.of(0x40, 2),
      Buffer.from('te'),
      Buffer.of(8),
      Buffer.from('trailers'),
    ]),
  );
}

const SETTINGS = rawFrame(FrameType.SETTINGS, 0, 0);
const ACKNOWLEDGED = rawFrame(FrameType.SETTINGS, ACK, 0);
const URL_SENT = 'http://127.0.0.1:2379';
const URL_READ = 'http:--127.0.0.1:2379';

/** What nghttp2 gets to read. */
function read(verdict: Verdict): Buffer {
  assert.equal(verdict.kind, 'go');
  return verdict.kind === 'go' ? Buffer.from(verdict.bytes) : Buffer.alloc(0);
}

describe('the first frames of a connection', () => {
  test('a server that is named by its URL is named by something that nghttp2 takes', () => {
    for (const [write, isHuffman] of [
      [huffman, true],
      [(text: string) => Buffer.from(text), false],
    ] as const) {
      const frames = new FirstFrames();
      assert.deepEqual(frames.next(SETTINGS), { kind: 'greet', bytes: SETTINGS });
      assert.deepEqual(frames.next(ACKNOWLEDGED), { kind: 'wait' });
      assert.deepEqual(
        read(frames.next(goHeaders(write(URL_SENT), isHuffman))),
        Buffer.concat([SETTINGS, goHeaders(write(URL_READ), isHuffman)]),
      );
    }
  });

  test('the acknowledgement may come late, and everything in pieces of one byte', () => {
    const frames = new FirstFrames();
    const headers = goHeaders(huffman(URL_SENT), true);
    for (const byte of SETTINGS.subarray(0, -1)) assert.equal(frames.next(Buffer.of(byte)).kind, 'wait');
    assert.equal(frames.next(SETTINGS.subarray(-1)).kind, 'greet');
    const rest = Buffer.concat([headers, ACKNOWLEDGED]);
    for (const byte of rest.subarray(0, -1)) assert.equal(frames.next(Buffer.of(byte)).kind, 'wait');
    assert.deepEqual(
      read(frames.next(rest.subarray(-1))),
      Buffer.concat([SETTINGS, goHeaders(huffman(URL_READ), true)]),
    );
  });

  test('other names stay as they are', () => {
    for (const name of ['127.0.0.1:2379', 'https:1', 'http:', 'h', '']) {
      const frames = new FirstFrames();
      const headers = goHeaders(huffman(name), true);
      frames.next(SETTINGS);
      frames.next(ACKNOWLEDGED);
      assert.deepEqual(read(frames.next(headers)), Buffer.concat([SETTINGS, headers]));
    }
  });

  test('a client that does not greet as Go does is not held up', () => {
    const window = rawFrame(FrameType.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]));
    assert.deepEqual(read(new FirstFrames().next(window)), window);
    const atOnce = Buffer.concat([SETTINGS, goHeaders(huffman('127.0.0.1:2379'), true)]);
    assert.deepEqual(read(new FirstFrames().next(atOnce)), atOnce);
    const ping = rawFrame(FrameType.PING, 0, 0, Buffer.alloc(8));
    const frames = new FirstFrames();
    frames.next(SETTINGS);
    frames.next(ACKNOWLEDGED);
    assert.deepEqual(read(frames.next(ping)), Buffer.concat([SETTINGS, ping]));
  });

  test('after a while one that is silent is handed on, one that never acknowledged is refused', () => {
    const frames = new FirstFrames();
    frames.next(SETTINGS);
    assert.deepEqual(frames.end(), { kind: 'refuse' });
    frames.next(ACKNOWLEDGED);
    assert.deepEqual(read(frames.end()), SETTINGS);
  });

  test('headers that end in the middle, or say wrong lengths, are left to nghttp2', () => {
    for (const block of [[0x41], [0x41, 0xff], [0x44, 0x7f, 0xff, 0xff], [0x00, 0x05, 1], [0x3f, 0x80], []]) {
      const frame = rawFrame(FrameType.HEADERS, END_HEADERS, 1, Buffer.from(block));
      const atOnce = Buffer.concat([SETTINGS, frame]);
      assert.deepEqual(read(new FirstFrames().next(atOnce)), atOnce);
    }
    const endless = new FirstFrames();
    endless.next(SETTINGS);
    assert.equal(endless.next(Buffer.alloc(200_000, 1)).kind, 'refuse');
    const long = new FirstFrames();
    long.next(SETTINGS);
    long.next(ACKNOWLEDGED);
    assert.equal(long.next(Buffer.from([255, 255, 255])).kind, 'wait');
    assert.equal(long.next(Buffer.alloc(200_000, 1)).kind, 'go');
  });
});
