import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { FakeKubeClient } from '@kubelab/client/testing';
import { silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { createAuthority, issueCertificate } from '@kubelab/pki';
import type { PodObject } from '../core/types.ts';
import { HollowRuntime } from '../runtime/hollow/hollow-runtime.ts';
import type { ImageInfo } from '../runtime/types.ts';
import { ObjectStore } from '../volumes/object-store.ts';
import { ImageError, ImageManager } from './image-manager.ts';
import { folderSource, type ImageSource, serverSource } from './image-sources.ts';

const pod: PodObject = {
  metadata: { name: 'p', namespace: 'default', uid: 'u1', resourceVersion: '1', creationTimestamp: '' },
  spec: { containers: [] },
};

/** An engine's image store: what it has, and what it was asked to do. */
class ImageStore extends HollowRuntime {
  readonly held = new Map<string, string>();
  readonly done: string[] = [];
  override async imageStatus(image: string): Promise<ImageInfo | undefined> {
    const id = this.held.get(image);
    return id === undefined ? undefined : { id, names: [image], digests: [], sizeBytes: 1, user: '' };
  }
  override async loadImage(tar?: Readable): Promise<void> {
    let text = '';
    for await (const chunk of tar ?? []) text += String(chunk);
    const [image = '', id = ''] = text.split('=');
    this.done.push(`load ${image}`);
    this.held.set(image, id);
  }
  override async pullImage(image: string): Promise<void> {
    this.done.push(`pull ${image}`);
    throw new Error('no registry');
  }
}

function source(name: string, images: Record<string, string>): ImageSource {
  return {
    name,
    lookUp: async (image) => images[image],
    archive: async (image) => Readable.from([`${image}=${images[image]}`]),
  };
}

function setUp(sources: ImageSource[] = []) {
  const clock = new FakeClock();
  const runtime = new ImageStore({ clock, podCidr: () => undefined });
  const events: string[] = [];
  const manager = new ImageManager({
    runtime,
    sources,
    objects: new ObjectStore(new FakeKubeClient({ clock }), clock),
    clock,
    log: silentLogger,
    serializePulls: true,
    event: (_pod, type, reason) => void events.push(`${type} ${reason}`),
  });
  const ensure = (image: string, imagePullPolicy: string) =>
    manager.ensure(pod, { name: 'web', image, imagePullPolicy });
  return { clock, runtime, events, ensure };
}

test('IfNotPresent and Never take what the engine has and ask nobody', async () => {
  const { runtime, ensure } = setUp([source('server', { a: 'new' })]);
  runtime.held.set('a', 'old');
  assert.equal((await ensure('a', 'IfNotPresent')).id, 'old');
  assert.equal((await ensure('a', 'Never')).id, 'old');
  assert.deepEqual(runtime.done, []);
});

test('Always fetches when the source has another image by that name, and only then', async () => {
  const images = { a: 'one' };
  const { runtime, ensure } = setUp([source('server', images)]);
  await ensure('a', 'Always');
  await ensure('a', 'Always');
  assert.deepEqual(runtime.done, ['load a']);
  images.a = 'two';
  assert.equal((await ensure('a', 'Always')).id, 'two');
});

test('sources are asked in order; one that fails is passed over; the registry comes last', async () => {
  const broken: ImageSource = {
    ...source('broken', {}),
    lookUp: () => Promise.reject(new Error('gone')),
  };
  const { runtime, ensure } = setUp([broken, source('second', { a: '1' })]);
  await ensure('a', 'IfNotPresent');
  await assert.rejects(ensure('b', 'IfNotPresent'), ImageError);
  assert.deepEqual(runtime.done, ['load a', 'pull b']);
});

test('Never without the image is ErrImageNeverPull', async () => {
  const { ensure } = setUp();
  await assert.rejects(ensure('a', 'Never'), { reason: 'ErrImageNeverPull' });
});

test('a failed pull backs off, 10 s then 20 s, and says so', async () => {
  const { clock, runtime, events, ensure } = setUp();
  const reasonOf = () =>
    ensure('a', 'IfNotPresent').then(
      () => 'ok',
      (error: ImageError) => error.reason,
    );
  assert.equal(await reasonOf(), 'ErrImagePull');
  assert.equal(await reasonOf(), 'ImagePullBackOff');
  await clock.advance(10_000);
  assert.equal(await reasonOf(), 'ErrImagePull');
  await clock.advance(10_000);
  assert.equal(await reasonOf(), 'ImagePullBackOff');
  await clock.advance(10_000);
  assert.equal(await reasonOf(), 'ErrImagePull');
  assert.equal(runtime.done.length, 3);
  assert.ok(events.includes('Normal BackOff') && events.includes('Warning Failed'));
});

test('a failed pull is looked at again at once, for people to see that it backs off, and then after the delay', async () => {
  const { ensure } = setUp();
  await assert.rejects(ensure('a', 'IfNotPresent'), { reason: 'ErrImagePull', retryAfterMs: 1_000 });
  await assert.rejects(ensure('a', 'IfNotPresent'), { reason: 'ImagePullBackOff', retryAfterMs: 10_000 });
});

test('IMAGE-1 however many wait, an image is fetched once', async () => {
  const { runtime, ensure } = setUp([source('server', { a: '1' })]);
  await Promise.all(Array.from({ length: 10 }, () => ensure('a', 'IfNotPresent')));
  assert.deepEqual(runtime.done, ['load a']);
});

test('a folder of archives is a source by file names', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'kubelet-images-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'quay.io_a_b_1.tar'), 'x');
  const from = folderSource(folder);
  assert.equal(await from.lookUp('quay.io/a/b:1'), 'any');
  assert.equal(await from.lookUp('quay.io/a/b:2'), undefined);
  assert.equal(String((await (await from.archive('quay.io/a/b:1')).toArray()).join('')), 'x');
});

test('the image server is asked over mutual TLS', async (context) => {
  const now = Date.now();
  const ca = await createAuthority('ca', now);
  const serving = await issueCertificate(
    ca,
    { commonName: 'images-1', dnsNames: ['localhost'], usages: ['server'] },
    now,
  );
  const node = await issueCertificate(ca, { commonName: 'system:node:n', usages: ['client'] }, now);
  const server = createServer(
    { ...serving, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://x');
      if (url.searchParams.get('name') !== 'a:1') response.writeHead(404).end();
      else if (url.pathname === '/v1/images/inspect') response.end('{"id":"sha256:7"}');
      else response.end('archive');
    },
  );
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const endpoint = `https://localhost:${(server.address() as AddressInfo).port}`;
  const from = await serverSource({ endpoint, ca: ca.cert, ...node });
  assert.equal(await from.lookUp('a:1'), 'sha256:7');
  assert.equal(await from.lookUp('b:1'), undefined);
  assert.equal((await (await from.archive('a:1')).toArray()).join(''), 'archive');
  await assert.rejects(from.archive('b:1'), /answered 404/);
});
