import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { serveImages } from './serve.ts';
import { ImageStore } from './store.ts';

const NAME = 'kubelab-test/serve:1';

suite('image server', () => {
  let folder = '';
  let identity = 'system:node:node-1';
  const server = createServer(
    (request, response) => void serveImages(new ImageStore(folder))(identity, request, response),
  );
  const get = (path: string) => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubelab-serve-'));
    await writeFile(join(folder, 'a.tar'), 'the archive');
    await writeFile(
      join(folder, 'index.json'),
      JSON.stringify({ [`docker.io/${NAME}`]: { id: 'sha256:ab', file: 'a.tar' } }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  test('a node gets the id and the archive of a stored image', async () => {
    assert.deepEqual(await (await get(`/v1/images/inspect?name=${NAME}`)).json(), { id: 'sha256:ab' });
    assert.equal(await (await get(`/v1/images/save?name=${NAME}`)).text(), 'the archive');
  });

  test('what nobody has is not found, what makes no sense is refused', async () => {
    assert.equal((await get('/v1/images/inspect?name=kubelab-test/none:1')).status, 404);
    assert.equal((await get('/v1/images/save?name=kubelab-test/none:1')).status, 404);
    assert.equal((await get('/v1/images/inspect')).status, 400);
    assert.equal((await get('/v1/other?name=x')).status, 404);
  });

  test('IMG-1 nobody but a node is served', async () => {
    identity = 'system:kube-proxy';
    assert.equal((await get(`/v1/images/save?name=${NAME}`)).status, 403);
    identity = 'system:node:node-1';
  });
});
