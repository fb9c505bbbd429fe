/** What is wrong with a call before any service sees it: both stores answer with the same status and text. */
import assert from 'node:assert/strict';
import { type ClientHttp2Session, constants } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connectRaw, frameOf, rawCall, type RawRequest, type TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const RANGE = '/etcdserverpb.KV/Range';
const PUT = '/etcdserverpb.KV/Put';
const WATCH = '/etcdserverpb.Watch/Watch';
const SNAPSHOT = '/etcdserverpb.Maintenance/Snapshot';

const request = frameOf(Buffer.from([10, 1, 65]));
const flagged = (flag: number): Buffer => Buffer.concat([Buffer.of(flag), request.subarray(1)]);
const garbage = frameOf(Buffer.from([0xff, 0xff]));

const cases: readonly [title: string, call: RawRequest, status: string, text: string][] = [
  [
    'an unknown method',
    { path: '/etcdserverpb.KV/Nope' },
    '12',
    'unknown method Nope for service etcdserverpb.KV',
  ],
  ['an unknown service', { path: '/nope.X/Y' }, '12', 'unknown service nope.X'],
  [
    'bytes that are no message',
    { path: RANGE, pieces: [garbage] },
    '13',
    'grpc: error unmarshalling request: unexpected EOF',
  ],
  [
    'the same on a stream',
    { path: WATCH, pieces: [garbage] },
    '13',
    'grpc: failed to unmarshal the received message unexpected EOF',
  ],
  ['no message', { path: RANGE, pieces: [] }, '2', 'EOF'],
  ['no message where a stream answers', { path: SNAPSHOT, pieces: [] }, '2', 'EOF'],
  ['half a message', { path: RANGE, pieces: [request.subarray(0, 6)] }, '2', 'unexpected EOF'],
  ['half a prefix', { path: RANGE, pieces: [request.subarray(0, 3)] }, '2', 'unexpected EOF'],
  [
    'a message that is too large',
    { path: PUT, pieces: [frameOf(Buffer.alloc(3_000_000))] },
    '8',
    'grpc: received message larger than max (3000000 vs. 2097152)',
  ],
  [
    'an unknown compression',
    { path: RANGE, headers: { 'grpc-encoding': 'snappy' }, pieces: [flagged(1)] },
    '12',
    'grpc: Decompressor is not installed for grpc-encoding "snappy"',
  ],
  [
    'compression without a name',
    { path: RANGE, pieces: [flagged(1)] },
    '13',
    'grpc: compressed flag set with identity or empty encoding',
  ],
  [
    'an unknown flag',
    { path: RANGE, pieces: [flagged(7)] },
    '13',
    'grpc: received unexpected payload format 7',
  ],
];

for (const target of targets) {
  describe(`malformed calls on ${target.name}`, { skip: target.skip }, () => {
    let store: TestStore;
    let session: ClientHttp2Session;
    before(async () => {
      store = await target.start();
      session = await connectRaw(store.endpoints[0] ?? '');
    });
    after(async () => {
      session.destroy();
      await store.stop();
    });

    for (const [title, call, status, text] of cases) {
      test(`${title} has its status`, async () => {
        const answer = await rawCall(session, call);
        assert.deepEqual([answer.status, answer.text], [status, text]);
        assert.equal(answer.headers[':status'], 200);
        assert.equal(answer.resetCode, constants.NGHTTP2_NO_ERROR);
      });
    }

    test('the connection lives through all of it, and so does the store through garbage', async () => {
      const { hostname, port } = new URL(store.endpoints[0] ?? '');
      for (const bytes of [
        Buffer.alloc(10_000, 0xff),
        Buffer.from('GET / HTTP/0.0\r\n\r\n'),
        Buffer.of(0x16, 3, 1),
      ]) {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined).end(bytes);
        await new Promise((resolve) => socket.resume().on('close', resolve));
      }
      assert.equal((await rawCall(session, { path: RANGE, pieces: [request] })).status, '0');
    });
  });
}
