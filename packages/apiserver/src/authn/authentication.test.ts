import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { SignJWT } from 'jose';
import { type Clock, realClock } from '@kubelab/component-base';
import { Harness, pod, TEST_CONFIG } from '../testing/harness.ts';

/** Real timers, but a wall clock that can be moved. */
class MovableClock implements Clock {
  offsetMs = 0;
  now = () => realClock.now() + this.offsetMs;
  monotonic = () => realClock.monotonic();
  setTimer = realClock.setTimer.bind(realClock);
  sleep = realClock.sleep.bind(realClock);
}

const clock = new MovableClock();
let api: Harness;
let token: string;
let account: { metadata: { uid: string } };

before(async () => {
  api = await Harness.start({ clock });
  await api.namespace('ns');
  account = (await api.ask('GET /api/v1/namespaces/ns/serviceaccounts/default')).json;
  token = await newToken();
});
after(() => api.stop());

async function newToken(spec: object = {}): Promise<string> {
  const answer = await api.ask('POST /api/v1/namespaces/ns/serviceaccounts/default/token', {
    body: { spec },
  });
  assert.equal(answer.code, 201, answer.text);
  return answer.json.status.token;
}

const whoAmI = 'POST /apis/authentication.k8s.io/v1/selfsubjectreviews';
async function codeWith(asked: object): Promise<number> {
  return (await api.ask(whoAmI, { body: {}, as: null, ...asked })).code;
}

const claims = () => ({
  'kubernetes.io': { namespace: 'ns', serviceaccount: { name: 'default', uid: account.metadata.uid } },
});

function sign(
  change: (jwt: SignJWT) => SignJWT,
  key: string = TEST_CONFIG.signingKey.toString(),
): Promise<string> {
  const nowSeconds = Math.floor(clock.now() / 1000);
  const jwt = new SignJWT(claims())
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(TEST_CONFIG.issuer)
    .setAudience(TEST_CONFIG.issuer)
    .setSubject('system:serviceaccount:ns:default')
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + 600);
  return import('node:crypto').then(({ createPrivateKey }) => change(jwt).sign(createPrivateKey(key)));
}

const other = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;

/**
 * A token signed with the *public* key as if it were a shared secret: the old trick of confusing algorithms.
 */
function confused(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = {
    ...claims(),
    iss: TEST_CONFIG.issuer,
    aud: TEST_CONFIG.issuer,
    sub: 'system:serviceaccount:ns:default',
    exp: 99999999999,
  };
  const head = `${part({ alg: 'HS256' })}.${part(payload)}`;
  return `${head}.${createHmac('sha256', TEST_CONFIG.publicKeys[0] ?? '')
    .update(head)
    .digest('base64url')}`;
}

function unsigned(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ ...claims(), iss: TEST_CONFIG.issuer, aud: TEST_CONFIG.issuer, sub: 'system:serviceaccount:ns:default', exp: 99999999999 })}.`;
}

const TOKENS: [string, () => string | Promise<string>, number][] = [
  ['a token of the server', () => token, 201],
  ['a static token', () => 'secret-token', 201],
  ['a static token with a letter more', () => 'secret-tokenx', 401],
  ['garbage', () => 'garbage', 401],
  ['three parts of garbage', () => 'a.b.c', 401],
  ['alg none', unsigned, 401],
  ['key confusion', confused, 401],
  ['a token of another key', () => sign((jwt) => jwt, other), 401],
  ['a token of the right key, made by hand', () => sign((jwt) => jwt), 201],
  ['an expired token', () => sign((jwt) => jwt.setExpirationTime(Math.floor(clock.now() / 1000) - 10)), 401],
  [
    'a token from the future',
    () => sign((jwt) => jwt.setNotBefore(Math.floor(clock.now() / 1000) + 600)),
    401,
  ],
  ['a token for another audience', () => sign((jwt) => jwt.setAudience('https://elsewhere')), 401],
  ['a token of another issuer', () => sign((jwt) => jwt.setIssuer('https://elsewhere')), 401],
  [
    'a token whose subject is not its account',
    () => sign((jwt) => jwt.setSubject('system:serviceaccount:kube-system:admin')),
    401,
  ],
  ['a token cut short', () => token.slice(0, -4), 401],
];
for (const [title, make, code] of TOKENS) {
  test(`S1 ${title} is answered with ${code}`, async () => {
    assert.equal(await codeWith({ token: await make() }), code);
  });
}

const notAfterMs = Date.now() + 60_000;
const CERTIFICATES: [string, object, number][] = [
  ['no certificate at all, which is anonymous and may not ask', {}, 403],
  ['a valid certificate', { peer: { commonName: 'bob', organizations: [], notAfterMs } }, 201],
  ['a certificate that does not verify', { peer: 'invalid' }, 401],
  [
    'a certificate that does not verify, with a good token',
    { peer: 'invalid', headers: { authorization: 'Bearer secret-token' } },
    401,
  ],
  [
    'a certificate that expired while its connection stayed open',
    { peer: { commonName: 'bob', organizations: [], notAfterMs: 1000 } },
    401,
  ],
  [
    'a certificate without a name',
    { peer: { commonName: '', organizations: ['system:masters'], notAfterMs } },
    401,
  ],
  [
    'an Authorization header that is no bearer token',
    { headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } },
    401,
  ],
  ['an empty bearer token', { headers: { authorization: 'Bearer ' } }, 401],
];
for (const [title, asked, code] of CERTIFICATES) {
  test(`S1 ${title}: ${code}`, async () => {
    assert.equal(await codeWith(asked), code);
  });
}

test('S1 anonymous gets health and version, and nothing else', async () => {
  for (const path of ['/healthz', '/livez', '/readyz', '/version'])
    assert.equal((await api.ask(`GET ${path}`, { as: null })).code, 200, path);
  const refused = await api.ask('GET /api/v1/namespaces', { as: null });
  assert.equal(refused.code, 403);
  assert.match(
    refused.json.message,
    /^namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope/,
  );
  const path = await api.ask('GET /metrics', { as: null });
  assert.equal(path.json.message, 'forbidden: User "system:anonymous" cannot get path "/metrics"');
});

test('S3 a token dies with its service account, and a namesake does not revive it', async () => {
  await api.make('/api/v1/namespaces/ns/serviceaccounts', { metadata: { name: 'mortal' } });
  const path = '/api/v1/namespaces/ns/serviceaccounts';
  const bound = (await api.ask(`POST ${path}/mortal/token`, { body: { spec: {} } })).json.status.token;
  assert.equal(await codeWith({ token: bound }), 201);
  await api.ask(`DELETE ${path}/mortal`);
  assert.equal(await codeWith({ token: bound }), 401);
  await api.make(path, { metadata: { name: 'mortal' } });
  assert.equal(await codeWith({ token: bound }), 401);
});

test('S3 a token bound to a pod dies with the pod, and is for its asked audience only', async () => {
  const made = await api.make('/api/v1/namespaces/ns/pods', pod('p'));
  const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: made.metadata.uid };
  const bound = await newToken({ boundObjectRef });
  const me = await api.ask(whoAmI, { body: {}, token: bound });
  assert.deepEqual(me.json.status.userInfo.extra['authentication.kubernetes.io/pod-uid'], [
    made.metadata.uid,
  ]);
  const vault = await newToken({ audiences: ['vault'] });
  assert.equal(await codeWith({ token: vault }), 401);
  const review = await api.ask('POST /apis/authentication.k8s.io/v1/tokenreviews', {
    body: { spec: { token: vault, audiences: ['vault'] } },
  });
  assert.equal(review.json.status.authenticated, true);
  await api.ask('DELETE /api/v1/namespaces/ns/pods/p', { body: { gracePeriodSeconds: 0 } });
  assert.equal(await codeWith({ token: bound }), 401);
  const refused = await api.ask('POST /api/v1/namespaces/ns/serviceaccounts/default/token', {
    body: { spec: { boundObjectRef: { ...boundObjectRef, uid: 'x' } } },
  });
  assert.equal(refused.code, 404);
});

test('S3 a token ends at its time', async () => {
  const short = await newToken({ expirationSeconds: 600 });
  clock.offsetMs = 601_000;
  assert.equal(await codeWith({ token: short }), 401);
  clock.offsetMs = 0;
  assert.equal(
    (
      await api.ask('POST /api/v1/namespaces/ns/serviceaccounts/default/token', {
        body: { spec: { expirationSeconds: 60 } },
      })
    ).code,
    422,
  );
});

test('impersonation needs the right to it, and gives exactly what was asked for', async () => {
  const headers = { 'impersonate-user': 'alice', 'impersonate-group': 'team-a,team-b' };
  const refused = await api.ask(whoAmI, { body: {}, as: 'bob', headers });
  assert.equal(refused.code, 403);
  assert.match(refused.json.message, /cannot impersonate resource "users" in API group ""/);
  const granted = await api.ask(whoAmI, { body: {}, headers });
  assert.deepEqual(granted.json.status.userInfo, {
    username: 'alice',
    groups: ['team-a', 'team-b', 'system:authenticated'],
  });
  assert.equal((await api.ask('GET /api/v1/secrets', { headers })).code, 403);
});

test('S3 a legacy token is good while its Secret holds it, for the API server only', async () => {
  const { metadata } = await api.make('/api/v1/namespaces/ns/serviceaccounts', { metadata: { name: 'old' } });
  const claim = 'kubernetes.io/serviceaccount';
  const { createPrivateKey } = await import('node:crypto');
  const signingKey = createPrivateKey(TEST_CONFIG.signingKey);
  const token = await new SignJWT({
    [`${claim}/namespace`]: 'ns',
    [`${claim}/secret.name`]: 'old-token',
    [`${claim}/service-account.name`]: 'old',
    [`${claim}/service-account.uid`]: metadata.uid,
  })
    .setProtectedHeader({ alg: signingKey.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256' })
    .setIssuer('kubernetes/serviceaccount')
    .setSubject('system:serviceaccount:ns:old')
    .sign(signingKey);
  assert.equal(await codeWith({ token }), 401, 'no Secret holds it yet');
  await api.make('/api/v1/namespaces/ns/secrets', {
    metadata: { name: 'old-token', annotations: { 'kubernetes.io/service-account.name': 'old' } },
    type: 'kubernetes.io/service-account-token',
    data: { token: Buffer.from(token).toString('base64') },
  });
  assert.equal(await codeWith({ token }), 201);
  const review = await api.ask('POST /apis/authentication.k8s.io/v1/tokenreviews', {
    body: { spec: { token, audiences: ['vault'] } },
  });
  assert.notEqual(review.json.status.authenticated, true);
  await api.ask('DELETE /api/v1/namespaces/ns/secrets/old-token');
  assert.equal(await codeWith({ token }), 401);
});
