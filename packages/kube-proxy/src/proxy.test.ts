import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { EndpointSlice, Service } from '@kubelab/api';
import { createInformerFactory } from '@kubelab/client';
import { FakeKubeClient } from '@kubelab/client/testing';
import { seededRandom, silentLogger } from '@kubelab/component-base';
import { FakeClock } from '@kubelab/component-base/testing';
import { Proxy } from './proxy.ts';

async function setUp() {
  const clock = new FakeClock();
  const random = seededRandom(1);
  const client = new FakeKubeClient({ clock });
  const informers = createInformerFactory(client, { clock, random, log: silentLogger });
  const scripts: string[] = [];
  const failures: Error[] = [];
  const proxy = new Proxy({
    informers,
    settings: { clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16', bridgeBypass: false },
    nodeName: 'node-1',
    clock,
    log: silentLogger,
    apply(script) {
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      scripts.push(script);
      return Promise.resolve();
    },
    forgetUdp: () => Promise.resolve(),
  });
  const stop = new AbortController();
  informers.start(stop.signal);
  await clock.advance(10);
  await informers.waitForSync();
  await proxy.start();
  return { clock, client, scripts, failures, stop };
}

const service = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { clusterIP: '10.96.0.7', type: 'ClusterIP', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
};
const slice = (addresses: readonly string[]) => ({
  metadata: { name: 'web-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
});

suite('proxy', () => {
  test('changes that come together are one transaction, and a change without effect is none', async () => {
    const { clock, client, scripts, stop } = await setUp();
    assert.equal(scripts.length, 1);
    await client.create(Service, service);
    await client.create(EndpointSlice, slice(['10.244.0.2', '10.244.0.3']));
    await clock.advance(50);
    assert.equal(scripts.length, 2);
    assert.match(scripts[1] ?? '', /10\.96\.0\.7 \. tcp \. 80 : goto svc-/);
    await client.patch(
      Service,
      { namespace: 'default', name: 'web' },
      { metadata: { labels: { a: 'b' } } },
      { type: 'merge' },
    );
    await clock.advance(50);
    assert.equal(scripts.length, 2);
    stop.abort();
  });

  test('PROXY-3 after a failed transaction the whole table is written anew', async () => {
    const { clock, client, scripts, failures, stop } = await setUp();
    await client.create(Service, service);
    await clock.advance(50);
    failures.push(new Error('nft: busy'));
    await client.create(EndpointSlice, slice(['10.244.0.2']));
    await clock.advance(50);
    const before = scripts.length;
    await clock.advance(2000);
    assert.equal(scripts.length, before + 1);
    assert.match(scripts.at(-1) ?? '', /^table ip kube-proxy\ndelete table ip kube-proxy/);
    assert.match(scripts.at(-1) ?? '', /dnat to 10\.244\.0\.2:8080/);
    stop.abort();
  });
});
