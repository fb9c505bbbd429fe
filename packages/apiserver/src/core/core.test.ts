import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStatus } from '@kubelab/api';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { InflightLimiter } from './inflight.ts';
import { listOptions } from './list-options.ts';
import { negotiate } from './media-type.ts';
import { MalformedPathError, requestInfo } from './request-info.ts';

const PATHS: [string, string, string, Partial<ReturnType<typeof requestInfo>>][] = [
  ['GET', '/api/v1/pods', '', { verb: 'list', resource: 'pods', namespace: '', name: '' }],
  [
    'GET',
    '/api/v1/namespaces/ns/pods/web',
    '',
    { verb: 'get', resource: 'pods', namespace: 'ns', name: 'web' },
  ],
  ['GET', '/api/v1/namespaces/ns/pods/web/log', '', { verb: 'get', subresource: 'log' }],
  ['POST', '/apis/apps/v1/namespaces/ns/deployments', '', { verb: 'create', group: 'apps', version: 'v1' }],
  ['GET', '/api/v1/namespaces/ns', '', { verb: 'get', resource: 'namespaces', namespace: 'ns', name: 'ns' }],
  [
    'PUT',
    '/api/v1/namespaces/ns/finalize',
    '',
    { verb: 'update', resource: 'namespaces', subresource: 'finalize' },
  ],
  ['GET', '/api/v1/pods', 'watch=true', { verb: 'watch' }],
  ['GET', '/api/v1/watch/namespaces/ns/pods', '', { verb: 'watch', resource: 'pods', namespace: 'ns' }],
  ['DELETE', '/api/v1/namespaces/ns/pods', '', { verb: 'deletecollection' }],
  ['GET', '/api/v1/secrets', 'fieldSelector=metadata.name%3Dx', { verb: 'list', name: 'x' }],
  ['GET', '/api/v1/secrets', 'fieldSelector=metadata.name%3Dx%5C%2Cy', { verb: 'list', name: 'x,y' }],
  ['GET', '/api/v1/namespaces/ns/services/web/proxy/a/b', '', { subresource: 'proxy', rest: ['a', 'b'] }],
  ['GET', '/healthz', '', { isResource: false, verb: 'get', path: '/healthz' }],
  ['GET', '/api/v1', '', { isResource: false }],
  ['GET', '/apis/apps/v1', '', { isResource: false }],
];
for (const [method, path, query, want] of PATHS) {
  test(`${method} ${path}${query && `?${query}`} is understood`, () => {
    const info = requestInfo(method, path, new URLSearchParams(query));
    assert.deepEqual({ ...info, ...want }, info);
  });
}

test('S1 a name that hides a slash, or is no percent-encoding, is refused', () => {
  for (const path of [
    '/api/v1/namespaces/a%2Fb/pods',
    '/api/v1/namespaces/a/pods/..%2Fb',
    '/api/v1/pods/%',
    '/api/v1/nodes/%2e%2e',
  ]) {
    assert.throws(() => requestInfo('GET', path, new URLSearchParams()), MalformedPathError, path);
  }
});

const ACCEPTS: [string | undefined, string | undefined][] = [
  [undefined, 'json object'],
  ['*/*', 'json object'],
  ['application/vnd.kubernetes.protobuf,application/json', 'json object'],
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'json table'],
  ['application/json;as=Table;v=v2;g=meta.k8s.io,application/json', 'json object'],
  ['application/yaml', 'yaml object'],
  ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', 'json metadata'],
  ['application/vnd.kubernetes.protobuf', undefined],
];
for (const [accept, want] of ACCEPTS) {
  test(`Accept ${accept ?? '(none)'} gives ${want ?? '406'}`, () => {
    const found = negotiate(accept);
    assert.equal(found && `${found.format} ${found.as}`, want);
  });
}

const RULES: [string, 'list' | 'watch', string | number][] = [
  ['', 'list', 'most-recent'],
  ['resourceVersion=0', 'list', 'any'],
  ['resourceVersion=5', 'list', 'not-older'],
  ['resourceVersion=5&resourceVersionMatch=Exact', 'list', 'exact'],
  ['resourceVersion=0&resourceVersionMatch=Exact', 'list', 422],
  ['resourceVersionMatch=Exact', 'list', 422],
  ['resourceVersion=5&resourceVersionMatch=Sometimes', 'list', 422],
  ['resourceVersion=abc', 'list', 400],
  ['sendInitialEvents=true', 'list', 422],
  ['sendInitialEvents=true', 'watch', 422],
  ['sendInitialEvents=true&resourceVersionMatch=NotOlderThan', 'watch', 'most-recent'],
  ['resourceVersionMatch=NotOlderThan', 'watch', 422],
  ['limit=-1', 'list', 400],
];
for (const [query, verb, want] of RULES) {
  test(`a ${verb} with "${query}" is ${want}`, () => {
    const run = () => listOptions(new URLSearchParams(query), verb).version.type;
    if (typeof want === 'string') assert.equal(run(), want);
    else assert.throws(run, (error) => isStatus(error) && error.code === want);
  });
}

test('a continue token survives the round trip; any other text is refused', () => {
  const token = { revision: 7, start: 'ns/web' };
  assert.deepEqual(decodeContinue(encodeContinue(token)), token);
  for (const text of [
    '',
    'x',
    Buffer.from('null').toString('base64url'),
    Buffer.from('{"v":"meta.k8s.io/v1","rv":-1,"start":"a"}').toString('base64url'),
  ]) {
    assert.throws(
      () => decodeContinue(text),
      (error) => isStatus(error, 'BadRequest'),
    );
  }
});

test('A4 beyond the limit a request is 429 with Retry-After; administrators, kubelets, probes and watches get in', () => {
  const limiter = new InflightLimiter({ readOnly: 2, mutating: 1 });
  const info = (method: string, path: string, query = '') =>
    requestInfo(method, path, new URLSearchParams(query));
  const list = info('GET', '/api/v1/pods');
  const bob = { name: 'bob', groups: [] };
  const leave = limiter.enter(list, bob);
  limiter.enter(list, bob);
  assert.throws(
    () => limiter.enter(list, bob),
    (error) => isStatus(error, 'TooManyRequests') && error.retryAfterSeconds === 1,
  );
  limiter.enter(info('POST', '/api/v1/namespaces/a/pods'), bob);
  assert.throws(() => limiter.enter(info('PUT', '/api/v1/namespaces/a/pods/b'), bob));
  for (const groups of [['system:masters'], ['system:nodes']]) limiter.enter(list, { name: 'x', groups })();
  limiter.enter(info('GET', '/livez'), bob)();
  limiter.enter(info('GET', '/api/v1/pods', 'watch=true'), bob)();
  leave();
  limiter.enter(list, bob);
  assert.equal(limiter.readOnly, 2);
});
