import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isGrpc, percentEncoded, timeoutMsOf, trailersOf } from './headers.ts';

test('a timeout is up to eight digits and a unit', () => {
  const cases = { '2H': 7.2e6, '3M': 1.8e5, '4S': 4000, '100m': 100, '5000u': 5, '99999999n': 99.999999 };
  for (const [header, ms] of Object.entries(cases))
    assert.equal(Math.round(1e6 * (timeoutMsOf(header) ?? 0)), Math.round(1e6 * ms));
  assert.equal(timeoutMsOf(undefined), undefined);
  for (const wrong of ['', '1', 'S', '-1S', '123456789m', '1s', '1.5S', '1Sx'])
    assert.throws(() => timeoutMsOf(wrong), /malformed grpc-timeout/);
});

test('a status text survives as ASCII', () => {
  assert.equal(percentEncoded('plain text, even {this}'), 'plain text, even {this}');
  assert.equal(percentEncoded('50% ä\n'), '50%25%20%C3%A4%0A');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      const encoded = percentEncoded(text);
      assert.match(encoded, /^(?! )[\x20-\x7e]*(?<! )$/);
      assert.equal(decodeURIComponent(encoded), text.toWellFormed());
    }),
  );
});

test('a status without text has no grpc-message', () => {
  assert.deepEqual(trailersOf({ code: 5, details: '' }), { 'grpc-status': '5' });
  assert.deepEqual(trailersOf({ code: 5, details: 'gone' }), { 'grpc-status': '5', 'grpc-message': 'gone' });
});

test('content types of gRPC are told from others', () => {
  for (const yes of ['application/grpc', 'application/grpc+proto', 'application/grpc;charset=x'])
    assert.ok(isGrpc(yes), yes);
  for (const no of [undefined, '', 'application/json', 'application/grpc-web', 'text/application/grpc'])
    assert.ok(!isGrpc(no), no);
});
