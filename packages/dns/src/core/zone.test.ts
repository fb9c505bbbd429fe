import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice, Service } from '@kubelab/api';
import { answerFromZone, type ClusterView, reverseName } from './zone.ts';

const meta = (name: string) => ({
  name,
  namespace: 'default',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});
const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
const services: Record<string, Service> = {
  web: { metadata: meta('web'), spec: { clusterIP: '10.96.0.7', type: 'ClusterIP', ports } },
  db: { metadata: meta('db'), spec: { clusterIP: 'None', type: 'ClusterIP', ports } },
  all: { metadata: meta('all'), spec: { clusterIP: 'None', publishNotReadyAddresses: true, ports } },
  out: { metadata: meta('out'), spec: { type: 'ExternalName', externalName: 'example.org' } },
};
const slice: EndpointSlice = {
  metadata: meta('s'),
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.244.0.2'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.0.3'], conditions: { ready: true } },
    { addresses: ['10.244.0.4'], conditions: { ready: false } },
  ],
};
const view: ClusterView = {
  service: (namespace, name) => (namespace === 'default' ? services[name] : undefined),
  slices: (_, name) => (name === 'db' || name === 'all' ? [slice] : []),
  hasNamespace: (name) => name === 'default',
};

function ask(name: string, type = 'A'): unknown {
  const answer = answerFromZone(view, { domain: 'cluster.local', ttl: 5 }, name, type);
  return answer.kind === 'answer' ? answer.records.map(({ data }) => data) : answer.kind;
}

suite('cluster zone', () => {
  const cases: readonly (readonly [string, string, string, unknown])[] = [
    ['a Service has its ClusterIP', 'web.default.svc.cluster.local', 'A', ['10.96.0.7']],
    ['DNS-1 case does not matter', 'WEB.Default.svc.CLUSTER.local.', 'A', ['10.96.0.7']],
    ['a type that the name does not have gives no records', 'web.default.svc.cluster.local', 'AAAA', []],
    ['an unknown Service does not exist', 'nope.default.svc.cluster.local', 'A', 'unknown'],
    ['a namespace that exists has no records', 'default.svc.cluster.local', 'A', []],
    ['one that does not is unknown', 'other.svc.cluster.local', 'A', 'unknown'],
    [
      'DNS-2 a headless Service has its ready endpoints',
      'db.default.svc.cluster.local',
      'A',
      ['10.244.0.2', '10.244.0.3'],
    ],
    [
      'DNS-2 unless it publishes others too',
      'all.default.svc.cluster.local',
      'A',
      ['10.244.0.2', '10.244.0.3', '10.244.0.4'],
    ],
    ['an endpoint with a host name is found by it', 'db-0.db.default.svc.cluster.local', 'A', ['10.244.0.2']],
    ['one without by its address', '10-244-0-3.db.default.svc.cluster.local', 'A', ['10.244.0.3']],
    ['a pod is found by its address', '10-244-0-9.default.pod.cluster.local', 'A', ['10.244.0.9']],
    ['an ExternalName is another name', 'out.default.svc.cluster.local', 'A', ['example.org']],
    ['other domains are elsewhere', 'example.org', 'A', 'elsewhere'],
    ['a longer domain with the same end is elsewhere', 'xcluster.local', 'A', 'elsewhere'],
    ['the version of the specification', 'dns-version.cluster.local', 'TXT', ['1.1.0']],
    [
      'a port of a Service',
      '_http._tcp.web.default.svc.cluster.local',
      'SRV',
      [{ priority: 0, weight: 100, port: 80, target: 'web.default.svc.cluster.local' }],
    ],
    [
      'a port of a headless Service',
      '_http._tcp.db.default.svc.cluster.local',
      'SRV',
      [
        { priority: 0, weight: 50, port: 8080, target: 'db-0.db.default.svc.cluster.local' },
        { priority: 0, weight: 50, port: 8080, target: '10-244-0-3.db.default.svc.cluster.local' },
      ],
    ],
    ['a port that is not there', '_ftp._tcp.web.default.svc.cluster.local', 'SRV', 'unknown'],
  ];
  for (const [title, name, type, want] of cases) {
    test(`${title}: ${name} ${type}`, () => assert.deepEqual(ask(name, type), want));
  }

  test('addresses come out of reverse names', () => {
    assert.equal(reverseName('7.0.96.10.in-addr.arpa.'), '10.96.0.7');
    assert.equal(reverseName('web.default'), undefined);
  });
});
