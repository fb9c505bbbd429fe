import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ConfigMap, Endpoints, isStatus } from '@kubelab/api';
import { createClient, createInformerFactory, type KubeClient } from '@kubelab/client';
import { must, realClock, realRandom, silentLogger } from '@kubelab/component-base';
import { eventually } from '@kubelab/component-base/testing';
import { type Lab, startLab, untilReady } from './testing/lab.ts';

let lab: Lab;
const deps = { clock: realClock, random: realRandom, log: silentLogger };

before(async () => {
  lab = await startLab({ serverCount: 2 });
});
after(() => lab.stop());

function client(...servers: string[]): KubeClient {
  return createClient({ servers, ca: lab.ca, ...lab.admin, userAgent: 'ha' }, deps);
}

test('E1 what one server acknowledged the other shows at once', async () => {
  const [one, two] = lab.servers.map((server) => client(server.grpcUrl));
  for (let i = 0; i < 100; i++) {
    const ref = { name: `fresh-${i}`, namespace: 'default' };
    const made = await must(one).create(ConfigMap, { metadata: ref });
    const seen = await must(two).get(ConfigMap, ref);
    assert.equal(seen.metadata.resourceVersion, made.metadata.resourceVersion);
    await must(two).delete(ConfigMap, ref);
    const left = await must(one).list(ConfigMap, { namespace: 'default' });
    assert.equal(
      left.items.some(({ metadata }) => metadata.name === ref.name),
      false,
    );
  }
  one?.close();
  two?.close();
});

test('both servers stand behind the kubernetes service; one that ends leaves it', async () => {
  const [, second] = lab.servers;
  const one = client(lab.url);
  const subsets = async () =>
    (await one.get(Endpoints, { name: 'kubernetes', namespace: 'default' })).subsets ?? [];
  await eventually('two servers', async () => (await subsets()).length === 2, 15_000);
  await must(second).stop();
  await eventually('one server', async () => (await subsets()).length === 1, 15_000);
  must(second).start();
  await untilReady(lab, must(second));
  one.close();
});

test('A2 an informer misses nothing while servers are killed and the store is restarted', async () => {
  const abort = new AbortController();
  const urls = lab.servers.flatMap((server) => [server.grpcUrl, server.url]);
  const informed = client(...urls);
  const writer = client(...urls.toReversed());
  const informers = createInformerFactory(informed, deps);
  const informer = informers.of(ConfigMap);
  informers.start(abort.signal);
  await informers.waitForSync();
  const wanted = new Map<string, string>();
  const write = async (from: number): Promise<void> => {
    for (let i = from; i < from + 20; i++) {
      const ref = { name: `ha-${i}`, namespace: 'default' };
      await eventually(
        `write ${i}`,
        async () => {
          try {
            const made = await writer.create(ConfigMap, { metadata: ref, data: { i: String(i) } });
            wanted.set(ref.name, must(made.data)['i'] ?? '');
            return true;
          } catch (error) {
            // Written, though the answer was lost.
            if (isStatus(error, 'AlreadyExists')) return wanted.set(ref.name, String(i));
            return false;
          }
        },
        30_000,
        100,
      );
    }
  };
  await write(0);
  const [first] = lab.servers;
  await must(first).kill();
  await write(100);
  must(first).start();
  await untilReady(lab, must(first));
  await lab.store.kill();
  lab.store.start();
  await write(200);
  await eventually(
    'the informer has what was written',
    () => [...wanted].every(([name, i]) => informer.get(`default/${name}`)?.data?.['i'] === i),
    20_000,
  );
  const listed = await writer.list(ConfigMap, { namespace: 'default' });
  const versions = (items: readonly { metadata: { name: string; resourceVersion: string } }[]) =>
    items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`).toSorted();
  await eventually('cache and store agree', () => {
    assert.deepEqual(versions(informer.byNamespace('default') as never), versions(listed.items));
    return true;
  });
  abort.abort();
  informed.close();
  writer.close();
});

test('a server without its store says that it is not ready and answers 5xx, and recovers by itself', async () => {
  await lab.store.kill();
  const { stderr } = await lab.kubectl(['get', 'configmaps', '--request-timeout=8s']);
  assert.match(stderr, /Timeout|ServiceUnavailable|timed out|deadline|unable to handle/i);
  lab.store.start();
  await eventually(
    'reads work again',
    async () => (await lab.kubectl(['get', 'configmaps'])).code === 0,
    20_000,
  );
});
