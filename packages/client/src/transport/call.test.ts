import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors, isStatus } from '@kubelab/api';
import { seededRandom } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import type { CallRequest, KubeVerb } from '@kubelab/rpc/kube-api';
import { callServers } from './call.ts';
import { Servers } from './servers.ts';
import { TransportError, type TransportResponse } from './transport.ts';

type Answer = TransportResponse | Error | 'hangs';

const ok: TransportResponse = { code: 200, body: Buffer.from('{}'), warnings: [] };
const refused = new TransportError('', 'ECONNREFUSED', { maybeSent: false });
const reset = new TransportError('', 'ECONNRESET', { maybeSent: true });
const unsynced = refusal(errors.serviceUnavailable('caches not synced', 1));
const unavailable = refusal(errors.serviceUnavailable('no leader'));

function refusal(error: { readonly status: unknown; readonly code: number }): TransportResponse {
  return { code: error.code, body: Buffer.from(JSON.stringify(error.status)), warnings: [] };
}

/** Each server answers from its script, then goes on with the last line. */
function setUp(scripts: Record<string, Answer[]>) {
  const clock = new FakeClock();
  const servers = new Servers(Object.keys(scripts), clock, seededRandom(1));
  const asked: string[] = [];
  const transportTo = async ({ url }: { url: string }) => ({
    async call(_request: CallRequest, timeoutMs: number) {
      asked.push(url);
      const script = scripts[url] ?? [];
      const answer = script.length > 1 ? script.shift() : script[0];
      if (answer === 'hangs') {
        await clock.sleep(timeoutMs);
        throw new TransportError(url, 'timed out', { maybeSent: true, timedOut: true });
      }
      if (answer instanceof Error) throw answer;
      return answer ?? ok;
    },
    watch: () => assert.fail(),
    close: () => undefined,
  });
  const call = (verb: KubeVerb, timeoutMs = 10_000) => {
    const request = { verb, path: '/api/v1/pods', query: '', contentType: '', body: new Uint8Array(0) };
    const result = callServers({ servers, clock, transportTo }, request, timeoutMs);
    return result.then(
      ({ code }) => code,
      (error: unknown) => error,
    );
  };
  return { clock, call, asked };
}

const cases: [
  string,
  KubeVerb,
  Record<string, Answer[]>,
  asked: string[],
  outcome: 'ok' | 'lost' | 'refused',
][] = [
  ['stays with the first server that works', 'get', { a: [ok], b: [ok] }, ['a'], 'ok'],
  ['goes on to the next when a connection is refused', 'create', { a: [refused], b: [ok] }, ['a', 'b'], 'ok'],
  ['reads again elsewhere after a reset', 'list', { a: [reset], b: [ok] }, ['a', 'b'], 'ok'],
  [
    'CLIENT-1 does not repeat a write that may have arrived',
    'create',
    { a: [reset], b: [ok] },
    ['a'],
    'lost',
  ],
  ['CLIENT-1 does not repeat a patch that may have arrived', 'patch', { a: [reset], b: [ok] }, ['a'], 'lost'],
  [
    'writes elsewhere when the server says its caches are not synced',
    'update',
    { a: [unsynced], b: [ok] },
    ['a', 'b'],
    'ok',
  ],
  [
    'CLIENT-1 hands on a 503 without Retry-After to who writes',
    'update',
    { a: [unavailable], b: [ok] },
    ['a'],
    'refused',
  ],
  ['reads elsewhere after a 503', 'get', { a: [unavailable], b: [ok] }, ['a', 'b'], 'ok'],
  ['comes again to the only server', 'get', { a: [refused, refused, ok] }, ['a', 'a', 'a'], 'ok'],
  [
    'waits as long as a 429 asks',
    'create',
    { a: [refusal(errors.tooManyRequests('slow down', 2)), ok] },
    ['a', 'a'],
    'ok',
  ],
  [
    'hands on any other refusal',
    'get',
    { a: [refusal(errors.notFound({ group: '', resource: 'pods' }, 'x'))], b: [ok] },
    ['a'],
    'refused',
  ],
  [
    'a page of a proxy is a refusal too',
    'get',
    { a: [{ code: 403, body: Buffer.from('<html>'), warnings: [] }] },
    ['a'],
    'refused',
  ],
  ['a server that hangs is left for the next', 'get', { a: ['hangs'], b: [ok] }, ['a', 'b'], 'ok'],
];
for (const [name, verb, scripts, asked, outcome] of cases) {
  test(name, async () => {
    const run = setUp(scripts);
    const result = run.call(verb);
    await run.clock.advance(10_000);
    const answer = await result;
    assert.deepEqual(run.asked, asked);
    const kind = answer instanceof TransportError ? 'lost' : isStatus(answer) ? 'refused' : 'ok';
    assert.equal(kind, outcome, String(answer));
  });
}

test('is sticky: a server left behind is not asked again while the other works', async () => {
  const { clock, call, asked } = setUp({ a: [refused, ok], b: [ok] });
  for (let i = 0; i < 3; i++) {
    assert.equal(await call('get'), 200);
    await clock.advance(60_000);
  }
  assert.deepEqual(asked, ['a', 'b', 'b', 'b']);
});

test('gives up at its deadline, having asked ever more rarely', async () => {
  const { clock, call, asked } = setUp({ a: [refused], b: [refused] });
  const result = call('get');
  await clock.advance(10_000);
  assert.ok((await result) instanceof TransportError);
  assert.ok(asked.length >= 6 && asked.length <= 20, String(asked.length));
  assert.equal(clock.pendingTimers, 0);
});
