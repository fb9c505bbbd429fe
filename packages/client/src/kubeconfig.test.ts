import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { loadKubeconfig } from './kubeconfig.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'kubeconfig-'));
after(() => rm(folder, { recursive: true }));

async function load(text: string, servers?: string[]) {
  const file = path.join(folder, 'kubeconfig');
  await writeFile(file, text);
  const { ca, cert, key, ...rest } = await loadKubeconfig(file, { servers, userAgent: 'tester' });
  return { ...rest, ca: ca?.toString(), cert: cert?.toString(), key: key?.toString() };
}

const b64 = (text: string) => Buffer.from(text).toString('base64');
const yaml = (cluster: string, user: string) => `
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: other, context: {cluster: x, user: y}}, {name: c, context: {cluster: lab, user: me}}]
clusters: [{name: lab, cluster: {${cluster}}}]
users: [{name: me, user: {${user}}}]
`;

test('inline data and the server of the current context', async () => {
  const cluster = `server: "https://lb:6443", certificate-authority-data: ${b64('CA')}, tls-server-name: lab`;
  const user = `client-certificate-data: ${b64('CERT')}, client-key-data: ${b64('KEY')}`;
  assert.deepEqual(await load(yaml(cluster, user)), {
    servers: ['https://lb:6443'],
    ca: 'CA',
    cert: 'CERT',
    key: 'KEY',
    token: undefined,
    serverName: 'lab',
    userAgent: 'tester',
  });
});

test('files beside it, a token file, and servers given on the command line', async () => {
  await writeFile(path.join(folder, 'ca.crt'), 'CA');
  await writeFile(path.join(folder, 'token'), 'T\n');
  const text = yaml('server: "https://lb:6443", certificate-authority: ca.crt', 'tokenFile: token');
  const config = await load(text, ['grpcs://a:6444', 'grpcs://b:6444']);
  assert.deepEqual(
    [config.ca, config.token, config.servers],
    ['CA', 'T', ['grpcs://a:6444', 'grpcs://b:6444']],
  );
});

test('JSON is read without the YAML parser', async () => {
  const config = { 'current-context': '', contexts: [], clusters: [], users: [] };
  await assert.rejects(load(JSON.stringify(config)), /context "" does not exist/);
});

for (const [name, text, message] of [
  ['a context that is not there', 'current-context: x', /context "x" does not exist/],
  ['no server', yaml('', ''), /names no server/],
  ['a server of another kind', yaml('server: "ftp://x"', ''), /no https:\/\/ or grpcs:\/\/ URL/],
  [
    'turned-off verification',
    yaml('server: "https://x", insecure-skip-tls-verify: true', ''),
    /not supported/,
  ],
] as const) {
  test(`refuses ${name}, saying which file`, async () => {
    await assert.rejects(
      load(text),
      (error: Error) => message.test(error.message) && error.message.includes(folder),
    );
  });
}
