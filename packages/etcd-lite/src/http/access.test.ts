import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type AccessOptions, withAccess } from './access.ts';
import type { HttpHandler, HttpResponse } from './message.ts';
import { type Asked, request, textOf } from './testing/request.ts';

const hello: HttpHandler = () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'hello' });

async function ask(options: Partial<AccessOptions>, asked: Asked): Promise<HttpResponse> {
  return withAccess({ cors: ['*'], hosts: ['*'], ...options }, hello)(request('/', asked));
}

suite('who may ask over HTTP', () => {
  test('with a whitelist of hosts, plain requests must name one of them', async () => {
    const hosts = ['etcd.example', '::1'];
    const named = (host: string): Asked => ({ headers: { host } });
    assert.equal((await ask({ hosts }, named('etcd.example:2379'))).status, 200);
    assert.equal((await ask({ hosts }, named('[::1]:2379'))).status, 200);
    const refused = await ask({ hosts }, named('evil.example:2379'));
    assert.equal(refused.status, 421);
    assert.match(await textOf(refused), /--host-whitelist "evil.example"/);
    assert.equal((await ask({ hosts }, { ...named('evil.example'), isSecure: true })).status, 200);
    assert.equal((await ask({ hosts: [] }, named('evil.example'))).status, 200);
  });

  test('origins that are allowed are told so', async () => {
    const from = (origin: string): Asked => ({ headers: { origin } });
    const allowed = async (cors: string[], origin: string): Promise<string | undefined> =>
      (await ask({ cors }, from(origin))).headers['access-control-allow-origin'];
    assert.equal(await allowed(['*'], 'http://a'), '*');
    assert.equal(await allowed(['http://a'], 'http://a'), 'http://a');
    assert.equal(await allowed(['http://a'], 'http://b'), undefined);
  });

  test('browsers may ask first', async () => {
    const { status, body, headers } = await ask({}, { method: 'OPTIONS' });
    assert.deepEqual([status, body], [200, '']);
    assert.equal(headers['access-control-allow-methods'], 'POST, GET, OPTIONS, PUT, DELETE');
  });
});
