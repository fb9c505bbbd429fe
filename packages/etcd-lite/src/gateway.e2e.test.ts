import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { must } from '@kubelab/component-base';
import type { TestStore } from '@kubelab/rpc/testing';
import { targets } from './testing/targets.ts';

const FOO = '"key":"Zm9v"';

/** Requests in order: path and body. The same go to the machine's own etcd and to ours. */
const REQUESTS: readonly (readonly [path: string, body: string])[] = [
  ['kv/range', `{${FOO}}`],
  ['kv/put', `{${FOO},"value":"YmFy"}`],
  ['kv/put', `{${FOO},"value":"YmF6","prev_kv":true}`],
  ['kv/put', '{"key":"Zm9vMg==","value":"PDM+Jg=="}'],
  ['kv/range', `{${FOO}}`],
  ['kv/range', `{${FOO},"range_end":"Zm9w","sort_order":"DESCEND","sort_target":"KEY"}`],
  ['kv/range', `{${FOO},"rangeEnd":"Zm9w","limit":"1"}`],
  ['kv/range', `{${FOO},"range_end":"Zm9w","count_only":true}`],
  ['kv/range', `{${FOO},"revision":2,"keys_only":true}`],
  ['kv/range', `{${FOO},"revision":99}`],
  ['kv/range', `{${FOO},"bogus":{"a":[1,{"b":null}]}}`],
  ['kv/range', ''],
  ['kv/range', 'null'],
  ['kv/range', '{} x'],
  ['kv/range', 'xx'],
  ['kv/range', '{"key"'],
  ['kv/range', '{"key":"!!"}'],
  ['kv/range', '{"key":"Zg"}'],
  ['kv/range', '{"key":1}'],
  ['kv/range', '[1]'],
  ['kv/range', `{${FOO},"revision":"abc"}`],
  ['kv/range', `{${FOO},"revision":1.5}`],
  ['kv/range', `{${FOO},"sort_order":"FOO"}`],
  ['kv/range', `{${FOO},"serializable":"true"}`],
  [
    'kv/txn',
    `{"compare":[{${FOO},"target":"MOD","mod_revision":"3"}],"success":[{"requestPut":{${FOO},"value":"cXV4"}},{"request_range":{${FOO}}}],"failure":[{"request_range":{${FOO}}}]}`,
  ],
  [
    'kv/txn',
    `{"compare":[{${FOO},"result":"GREATER","target":"VERSION","version":"9"}],"failure":[{"request_delete_range":{"key":"Zm9vMg==","prev_kv":true}}]}`,
  ],
  ['kv/txn', '{}'],
  ['kv/txn', '{"compare":{}}'],
  ['kv/deleterange', `{${FOO},"prev_kv":true}`],
  ['kv/deleterange', '{"key":"bm9uZQ=="}'],
  ['kv/put', '{"key":"bGVhc2Vk","lease":"7"}'],
  ['lease/grant', '{"TTL":"1000","ID":"7"}'],
  ['lease/grant', '{"TTL":1000,"ID":7}'],
  ['kv/put', '{"key":"bGVhc2Vk","lease":"7"}'],
  ['kv/range', '{"key":"bGVhc2Vk"}'],
  ['lease/timetolive', '{"ID":"7","keys":true}'],
  ['kv/lease/timetolive', '{"ID":"8"}'],
  ['lease/keepalive', '{"ID":"7"}'],
  ['lease/keepalive', '{"ID":"7"}{"ID":"8"}'],
  ['lease/leases', '{}'],
  ['kv/lease/leases', ''],
  ['lease/revoke', '{"ID":"7"}'],
  ['kv/lease/revoke', '{"ID":"7"}'],
  ['kv/compaction', '{"revision":"3"}'],
  ['kv/compaction', '{"revision":"3"}'],
  ['kv/range', `{${FOO},"revision":2}`],
  ['cluster/member/list', '{}'],
  ['cluster/member/promote', '{"ID":"1"}'],
  ['cluster/member/remove', '{"ID":"1"}'],
  ['maintenance/alarm', '{}'],
  ['maintenance/alarm', '{"action":"ACTIVATE","memberID":"1","alarm":"NOSPACE"}'],
  ['kv/put', `{${FOO}}`],
  ['maintenance/alarm', '{"action":"DEACTIVATE","memberID":"1","alarm":"NOSPACE"}'],
  ['maintenance/defragment', '{}'],
  ['maintenance/transfer-leadership', '{"targetID":"1"}'],
  ['auth/enable', '{}'],
  ['auth/user/add', '{"name":"ann","password":"a"}'],
  ['auth/user/add', '{"name":"ann","password":"a"}'],
  ['auth/user/list', '{}'],
  ['auth/role/add', '{"name":"reader"}'],
  ['auth/role/grant', '{"name":"reader","perm":{"permType":"READ","key":"YQ==","range_end":"Yg=="}}'],
  ['auth/role/get', '{"role":"reader"}'],
  ['auth/user/grant', '{"user":"ann","role":"reader"}'],
  ['auth/user/get', '{"name":"ann"}'],
  ['auth/user/get', '{"name":"bob"}'],
  ['auth/authenticate', '{"name":"ann","password":"a"}'],
  ['kv/nothing', '{}'],
];

interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

async function post(store: TestStore, path: string, body: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${must(store.endpoints[0], 'endpoint')}${path}`, {
    method: 'POST',
    body,
    ...init,
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), body: masked(text) };
}

function withoutHeader(json: string): string {
  return json.replace(/"header":\{[^}]*\},?/, '');
}

/** Without what differs from cluster to cluster. */
function masked(text: string): string {
  return text
    .replaceAll(/"(cluster_id|member_id|raft_term)":"\d+"/g, '"$1":"…"')
    .replaceAll(/("members":\[\{"ID":)"\d+"/g, '$1"…"')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host');
}

suite('the JSON gateway', { concurrency: false }, () => {
  const both = targets.every(({ skip }) => skip === false);

  test('answers as etcd does, byte for byte but for ids', { skip: !both && 'no etcd here' }, async () => {
    const stores: TestStore[] = [];
    try {
      for (const target of targets) stores.push(await target.start());
      const [real, ours] = stores;
      assert.ok(real !== undefined && ours !== undefined);
      for (const [path, body] of REQUESTS) {
        const expected = await post(real, `/v3/${path}`, body);
        const actual = await post(ours, `/v3/${path}`, body);
        // etcd 3.4 has no header in these; 3.5 has.
        if (path === 'maintenance/alarm') Object.assign(actual, { body: withoutHeader(actual.body) });
        assert.deepEqual(actual, expected, `${path} ${body}`);
      }
      const odd: readonly (readonly [string, RequestInit])[] = [
        ['/v3/kv/range', { method: 'GET' }],
        ['/v3/kv/range', { method: 'OPTIONS' }],
        ['/v3/nothing', { method: 'GET' }],
        ['/v3beta/kv/range', { method: 'POST', body: `{${FOO}}` }],
        ['/nothing', { method: 'GET' }],
        ['/health', { method: 'POST' }],
        ['/version', { method: 'PUT' }],
      ];
      for (const [path, init] of odd) {
        const answers: unknown[] = await Promise.all(
          stores.map(async ({ endpoints: [endpoint] }) => {
            const response = await fetch(`${endpoint}${path}`, init);
            const { status, headers } = response;
            const names = ['allow', 'content-type', 'access-control-allow-origin', 'x-content-type-options'];
            return {
              status,
              headers: names.map((name) => headers.get(name)),
              body: masked(await response.text()),
            };
          }),
        );
        assert.deepEqual(answers[1], answers[0], `${init.method} ${path}`);
      }
    } finally {
      for (const store of stores) await store.stop();
    }
  });

  for (const target of targets) {
    test(`streams a watch, one result a line, until the client leaves: ${target.name}`, {
      skip: target.skip,
    }, async () => {
      const store = await target.start();
      try {
        const leave = new AbortController();
        const response = await fetch(`${store.endpoints[0]}/v3/watch`, {
          method: 'POST',
          body: `{"create_request":{${FOO}}}`,
          signal: leave.signal,
        });
        const lines = linesOf(must(response.body, 'body'));
        const next = async (): Promise<Record<string, unknown>> => (await lines.next()).value?.result ?? {};
        assert.equal((await next())['created'], true);
        for (const value of ['YQ==', 'Yg==']) {
          await post(store, '/v3/kv/put', `{${FOO},"value":"${value}"}`);
          const [event] = (await next())['events'] as { kv: { value: string } }[];
          assert.equal(event?.kv.value, value);
        }
        leave.abort();
        assert.equal((await post(store, '/v3/kv/range', `{${FOO}}`)).status, 200);
      } finally {
        await store.stop();
      }
    });

    test(`takes the token from Authorization: ${target.name}`, { skip: target.skip }, async () => {
      const store = await target.start();
      const ask = async (path: string, body: object, token?: string): Promise<Record<string, unknown>> => {
        const headers = token === undefined ? {} : { headers: { authorization: token } };
        return JSON.parse((await post(store, `/v3/${path}`, JSON.stringify(body), headers)).body) as Record<
          string,
          unknown
        >;
      };
      try {
        await ask('auth/user/add', { name: 'root', password: 'secret' });
        await ask('auth/role/add', { name: 'root' });
        await ask('auth/user/grant', { user: 'root', role: 'root' });
        await ask('auth/enable', {});
        assert.equal((await ask('kv/range', { key: 'Zm9v' }))['error'], 'etcdserver: user name is empty');
        assert.equal(
          (await ask('kv/range', { key: 'Zm9v' }, 'nobody'))['error'],
          'etcdserver: invalid auth token',
        );
        const { token } = await ask('auth/authenticate', { name: 'root', password: 'secret' });
        assert.equal(typeof token, 'string');
        assert.notEqual((await ask('kv/put', { key: 'Zm9v' }, String(token)))['header'], undefined);
      } finally {
        await store.stop();
      }
    });
  }
});

async function* linesOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<{ result?: Record<string, unknown> }, undefined> {
  let rest = '';
  for await (const piece of body) {
    const lines = (rest + Buffer.from(piece).toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as { result?: Record<string, unknown> };
  }
  return undefined;
}
