import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoints, EndpointSlice, Service } from '@kubelab/api';
import type { FakeKubeClient } from '@kubelab/client/testing';
import { startHarness } from '../testing/harness.ts';
import { endpointSliceMirroringController } from './controller.ts';

const metadata = { name: 'outside', namespace: 'default' };
const start = (selector: Record<string, string> | undefined, labels: Record<string, string> = {}) =>
  startHarness((deps) => [endpointSliceMirroringController(deps)], {
    prepare: (client: FakeKubeClient) => {
      client.seed<Service>(Service, {
        metadata,
        spec: { ports: [{ port: 80 }], ...(selector === undefined ? {} : { selector }) },
      });
      client.seed<Endpoints>(Endpoints, {
        metadata: { ...metadata, labels },
        subsets: [
          {
            addresses: [{ ip: '192.0.2.1' }],
            notReadyAddresses: [{ ip: '192.0.2.2' }],
            ports: [{ port: 8080, protocol: 'TCP' }],
          },
        ],
      });
    },
  });
const addresses = (client: FakeKubeClient) =>
  client
    .objects(EndpointSlice)
    .flatMap((slice) =>
      (slice.endpoints ?? []).map(({ addresses: [ip], conditions }) => [ip, conditions?.ready]),
    );

test('hand-made Endpoints appear as a slice of the Service, follow changes and vanish together', async (t) => {
  const { client, quiet, stop } = await start(undefined);
  t.after(stop);
  assert.deepEqual(addresses(client), [
    ['192.0.2.1', true],
    ['192.0.2.2', false],
  ]);
  const [slice] = client.objects(EndpointSlice);
  assert.equal(slice?.metadata.labels?.['kubernetes.io/service-name'], 'outside');
  client.mutate(Endpoints, 'default/outside', (object) => {
    object.subsets = [{ addresses: [{ ip: '192.0.2.9' }], ports: [{ port: 8080, protocol: 'TCP' }] }];
  });
  await quiet();
  assert.deepEqual(addresses(client), [['192.0.2.9', true]]);
  client.removeNow(Endpoints, 'default/outside');
  await quiet();
  assert.deepEqual(addresses(client), []);
});

test('EPM-1 Endpoints of a Service with a selector, or kept by a controller, are not mirrored', async (t) => {
  for (const [selector, labels] of [
    [{ app: 'web' }, {}],
    [undefined, { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }],
    [undefined, { 'endpointslice.kubernetes.io/skip-mirror': 'true' }],
  ] as const) {
    const { client, stop } = await start(selector, labels);
    t.after(stop);
    assert.deepEqual(addresses(client), []);
  }
});
