import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, suite, test } from 'node:test';
import { pack } from 'tar-stream';
import { normalizeImage } from './reference.ts';
import { ImageStore } from './store.ts';

const ID = 'a'.repeat(64);

async function writeArchive(path: string, tags: readonly string[] | null): Promise<void> {
  const archive = pack();
  archive.entry({ name: 'layer.tar' }, 'bytes');
  archive.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: `${ID}.json`, RepoTags: tags, Layers: ['layer.tar'] }]),
  );
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
}

suite('images', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kubelab-images-'));
  });
  after(() => rm(folder, { recursive: true }));

  const cases: readonly (readonly [string, string])[] = [
    ['busybox', 'docker.io/library/busybox:latest'],
    ['me/app:1', 'docker.io/me/app:1'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['quay.io/x/y@sha256:ab', 'quay.io/x/y@sha256:ab'],
    ['docker.io/library/busybox:latest', 'docker.io/library/busybox:latest'],
  ];
  for (const [given, want] of cases) {
    test(`${given} means ${want}`, () => assert.equal(normalizeImage(given), want));
  }

  test('an archive is found by every form of its name, with the engine id', async () => {
    const store = new ImageStore(join(folder, 'store'));
    await writeArchive(join(folder, 'web.tar'), ['web:1', 'docker.io/library/web:latest']);
    assert.deepEqual(await store.add(join(folder, 'web.tar')), ['web:1', 'docker.io/library/web:latest']);
    const found = await store.find('web');
    assert.equal(found?.id, `sha256:${ID}`);
    assert.ok(found && (await readFile(store.path(found))).length > 0);
    assert.equal(await store.find('web:2'), undefined);
  });

  test('what is no image archive is refused with a sentence that says so', async () => {
    const store = new ImageStore(join(folder, 'other'));
    await writeFile(join(folder, 'text.tar'), 'not a tar at all');
    await assert.rejects(store.add(join(folder, 'text.tar')), /not an image archive/);
    await writeArchive(join(folder, 'nameless.tar'), null);
    await assert.rejects(store.add(join(folder, 'nameless.tar')), /no image names/);
  });
});
