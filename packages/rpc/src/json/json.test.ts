import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { etcdServices } from '../etcd/index.ts';
import { protoJson, readJson, ValueSplitter } from './index.ts';

const json = protoJson('etcd');

/** What a request becomes on the wire, and what of it comes back. */
function request(service: string, method: string, text: string): unknown {
  const { requestFromJson } = json.method(`etcdserverpb.${service}`, method);
  return etcdServices[service as 'KV'][method]?.requestDeserialize(requestFromJson(readJson(text)));
}

function response(service: string, method: string, message: object): string {
  const bytes = etcdServices[service as 'KV'][method]?.responseSerialize(message) ?? Buffer.alloc(0);
  return json.method(`etcdserverpb.${service}`, method).responseToJson(bytes);
}

suite('JSON as Go reads it', () => {
  test('values of a stream are told apart, in pieces of any size', () => {
    const text = '{"a":"}{\\"["}  [1,[2]]{"b":{}} "x"';
    for (const size of [1, 2, 3, 7, 100]) {
      const splitter = new ValueSplitter();
      const values: string[] = [];
      for (let at = 0; at < text.length; at += size) values.push(...splitter.push(text.slice(at, at + size)));
      assert.deepEqual(values, ['{"a":"}{\\"["}', '  [1,[2]]', '{"b":{}}']);
      assert.equal(splitter.heldLength, 4);
      assert.equal(splitter.rest(), ' "x"');
    }
  });

  // Words of Go's decoder, as etcd 3.4's gateway answers them.
  const broken: readonly (readonly [string, string])[] = [
    ['xx', "invalid character 'x' looking for beginning of value"],
    ['{"a"', 'unexpected EOF'],
    ['tru', 'unexpected EOF'],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 2}', "invalid character '2' after object key:value pair"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['{"k":"\n"}', String.raw`invalid character '\n' in string literal`],
    ['{"k":"\\q"}', "invalid character 'q' in string escape code"],
    ['{"k":"\\u12x4"}', String.raw`invalid character 'x' in \u hexadecimal character escape`],
    ['-x', "invalid character 'x' in numeric literal"],
    ['1.x', "invalid character 'x' after decimal point in numeric literal"],
    ['1ex', "invalid character 'x' in exponent of numeric literal"],
    ['[1 2]', "invalid character '2' after array element"],
    ["'", String.raw`invalid character '\'' looking for beginning of value`],
    ['['.repeat(10_000), 'exceeded max depth'],
  ];
  for (const [text, message] of broken) {
    test(`says of ${JSON.stringify(text.slice(0, 20))}: ${message}`, () =>
      assert.throws(() => readJson(text), { message }));
  }
});

suite('messages as JSON', () => {
  test('fields by either name, integers with quotes or without, to the last bit', () => {
    const text = '{"key":"Zm9v","rangeEnd":"","min_mod_revision":9007199254740993,"limit":"3","x":1}';
    const range = request('KV', 'Range', text) as Record<string, unknown>;
    assert.deepEqual(Buffer.from('foo'), range['key']);
    assert.equal(range['minModRevision'], 9007199254740993n);
    assert.equal(range['limit'], 3);
  });

  test('enums by name or number, nested messages, lists', () => {
    const txn = request(
      'KV',
      'Txn',
      '{"compare":[{"target":"MOD","result":1,"key":"YQ==","mod_revision":"2"}],"success":[{"requestPut":{"key":"YQ=="}}]}',
    ) as { compare: { target: number; result: number }[]; success: { requestPut: unknown }[] };
    assert.equal(txn.compare[0]?.target, 2);
    assert.equal(txn.compare[0]?.result, 1);
    assert.notEqual(txn.success[0]?.requestPut, null);
  });

  test('an empty body and null are an empty message', () => {
    assert.equal((request('Lease', 'LeaseGrant', '') as { TTL: number }).TTL, 0);
    assert.equal((request('Lease', 'LeaseGrant', 'null') as { TTL: number }).TTL, 0);
    assert.equal((request('Lease', 'LeaseGrant', '{"TTL":null}') as { TTL: number }).TTL, 0);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ['{"key":"Zg="}', 'illegal base64 data at input byte 3'],
    ['{"key":"Zg"}', 'illegal base64 data at input byte 0'],
    ['{"key":"Zm9v="}', 'illegal base64 data at input byte 4'],
    ['{"key":"Z=m9"}', 'illegal base64 data at input byte 1'],
    ['{"key":"Zm9vZg"}', 'illegal base64 data at input byte 4'],
    ['{"key":"Zg==Zg=="}', 'illegal base64 data at input byte 4'],
    ['{"key":"Z-8="}', 'illegal base64 data at input byte 1'],
    ['{"key":1}', 'json: cannot unmarshal number into Go value of type []uint8'],
    ['{"revision":"abc"}', "invalid character 'a' looking for beginning of value"],
    ['{"revision":""}', 'unexpected end of JSON input'],
    ['{"revision":1.5}', 'json: cannot unmarshal number 1.5 into Go value of type int64'],
    [
      '{"revision":99999999999999999999}',
      'json: cannot unmarshal number 99999999999999999999 into Go value of type int64',
    ],
    [
      `{"revision":${'9'.repeat(30)}}`,
      `json: cannot unmarshal number ${'9'.repeat(30)} into Go value of type int64`,
    ],
    ['{"revision":true}', 'json: cannot unmarshal bool into Go value of type int64'],
    ['{"sort_order":"FOO"}', 'unknown value "FOO" for enum etcdserverpb.RangeRequest_SortOrder'],
    [
      '{"sort_order":true}',
      'json: cannot unmarshal bool into Go value of type etcdserverpb.RangeRequest_SortOrder',
    ],
    ['{"serializable":"true"}', 'json: cannot unmarshal string into Go value of type bool'],
    ['[1]', 'json: cannot unmarshal array into Go value of type map[string]json.RawMessage'],
  ];
  for (const [text, message] of wrong)
    test(`says of ${text}: ${message}`, () => assert.throws(() => request('KV', 'Range', text), { message }));

  test('answers leave out what is zero, quote 64 bits and escape what HTML would read', () => {
    assert.equal(
      response('Maintenance', 'Status', { version: '<3&', dbSize: 2 ** 60 / 256, header: { revision: 1 } }),
      '{"header":{"revision":"1"},"version":"\\u003c3\\u0026","dbSize":"4503599627370496"}',
    );
    const event = { type: 1, kv: { key: Buffer.from('foo'), modRevision: 4 } };
    assert.equal(
      response('Watch', 'Watch', { events: [event], watchId: 0 }),
      '{"events":[{"type":"DELETE","kv":{"key":"Zm9v","mod_revision":"4"}}]}',
    );
    assert.equal(response('KV', 'Put', {}), '{}');
    const big = response('Cluster', 'MemberList', { members: [{ ID: 14841639068965178418n }] });
    assert.equal(big, '{"members":[{"ID":"14841639068965178418"}]}');
  });
});
