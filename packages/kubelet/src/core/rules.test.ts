import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Service } from '@kubelab/api';
import { admit } from './admission.ts';
import { Backoff, goDuration } from './backoff.ts';
import { formatIp, parseCidr, sizeOf } from './cidr.ts';
import { podDns, podDomain, podHostname } from './dns.ts';
import { ConfigError, containerEnv } from './env.ts';
import { expand } from './expand.ts';
import { fieldValue, resourceFieldValue } from './field-ref.ts';
import {
  archiveNames,
  credentialsFor,
  imageNameProblem,
  pullPolicyOf,
  registryOf,
  withTag,
} from './image-names.ts';
import { attemptOf, containerHash, containerName } from './names.ts';
import { nodeAffinityMatches } from './node-affinity.ts';
import { hostPortsOf, nftRules, planRoutes, wantedRoutes } from './node-network.ts';
import { nodeStatus, parseCapacity } from './node-status.ts';
import { containerResources, containerSecurity, nonRootProblem } from './resources.ts';
import { Semaphore } from './semaphore.ts';
import { serviceEnv } from './service-env.ts';
import type { ContainerSpec, NodeObject, PodObject } from './types.ts';

function pod(spec: Partial<PodObject['spec']> = {}): PodObject {
  return {
    metadata: {
      name: 'web-0',
      namespace: 'shop',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '',
      labels: { app: 'web', tier: 'a "b"' },
    },
    spec: { containers: [{ name: 'web', image: 'i' }], ...spec },
  };
}

function node(
  name: string,
  ip: string,
  podCIDR: string | undefined,
  labels: Record<string, string> = {},
): NodeObject {
  return {
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '', labels },
    spec: podCIDR === undefined ? {} : { podCIDR },
    status: { addresses: [{ type: 'InternalIP', address: ip }] },
  };
}

const fields = {
  pod: pod(),
  podIp: '10.0.0.2',
  hostIp: '192.0.2.1',
  allocatable: { cpuMillis: 4000, memoryBytes: 4 * 2 ** 30 },
};

test('expand: known names, unknown names, escapes', () => {
  const lookup = (name: string) => ({ A: '1', B: '2' })[name];
  const cases: [string, string][] = [
    ['$(A)-$(B)', '1-2'],
    ['$(C)', '$(C)'],
    ['$$(A)', '$(A)'],
    ['$A $', '$A $'],
    ['$$$(A)', '$1'],
  ];
  for (const [given, want] of cases) assert.equal(expand(given, lookup), want, given);
});

describe('environment', () => {
  const known: Record<string, Record<string, string>> = {
    'ConfigMap/conf': { a: '1', b: '2' },
    'Secret/pass': { word: 'w' },
  };
  const objects = (kind: string, name: string) => known[`${kind}/${name}`];
  const env = (container: Partial<ContainerSpec>) =>
    Object.fromEntries(
      containerEnv({
        container: { name: 'web', ...container },
        services: new Map([['X', 'service']]),
        objects,
        fields,
      }),
    );

  test('later sources win: services, envFrom, env', () => {
    assert.deepEqual(
      env({
        envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'C_' }, { secretRef: { name: 'pass' } }],
        env: [
          { name: 'X', value: 'own' },
          { name: 'SUM', value: '$(C_a)+$(word)+$(X)' },
        ],
      }),
      { X: 'own', C_a: '1', C_b: '2', word: 'w', SUM: '1+w+own' },
    );
  });

  test('what is missing is an error unless it is optional', () => {
    const missing = (ref: object) =>
      env({ env: [{ name: 'A', valueFrom: { configMapKeyRef: ref as never } }] });
    assert.throws(() => missing({ name: 'no', key: 'a' }), new ConfigError('configmap "no" not found'));
    assert.throws(
      () => missing({ name: 'conf', key: 'z' }),
      new ConfigError("couldn't find key z in ConfigMap shop/conf"),
    );
    assert.deepEqual(missing({ name: 'no', key: 'a', optional: true }), { X: 'service' });
    assert.throws(() => env({ envFrom: [{ secretRef: { name: 'no' } }] }), /secret "no" not found/);
  });

  test('fields of the pod and of its resources', () => {
    const cases: [string, string | undefined][] = [
      ['metadata.name', 'web-0'],
      ['metadata.namespace', 'shop'],
      ["metadata.labels['app']", 'web'],
      ["metadata.annotations['none']", ''],
      ['metadata.labels', 'app="web"\ntier="a \\"b\\""'],
      ['status.podIP', '10.0.0.2'],
      ['status.hostIP', '192.0.2.1'],
      ['spec.nothing', undefined],
    ];
    for (const [path, want] of cases) assert.equal(fieldValue(path, fields), want, path);
    const container = { name: 'web', resources: { limits: { memory: '64Mi' }, requests: { cpu: '250m' } } };
    const resource = (resourceName: string, divisor?: string) =>
      resourceFieldValue({ resource: resourceName, divisor }, container, fields);
    assert.equal(resource('limits.memory', '1Mi'), '64');
    assert.equal(resource('requests.cpu'), '1'); // rounded up
    assert.equal(resource('requests.cpu', '1m'), '250');
    assert.equal(resource('limits.cpu'), '4'); // the node's
  });

  test('service variables: the namespace by wish, kubernetes always', () => {
    const service = (namespace: string, name: string, clusterIP: string): Service => ({
      metadata: { name, namespace, uid: '', resourceVersion: '', creationTimestamp: '' },
      spec: { clusterIP, ports: [{ port: 80, name: 'http', protocol: 'TCP' }] },
    });
    const services = [
      service('default', 'kubernetes', '10.96.0.1'),
      service('shop', 'my-db', '10.96.0.7'),
      service('other', 'x', '10.96.0.8'),
      service('shop', 'headless', 'None'),
    ];
    assert.deepEqual(Object.fromEntries(serviceEnv(services.slice(1), 'shop', true)), {
      MY_DB_SERVICE_HOST: '10.96.0.7',
      MY_DB_SERVICE_PORT: '80',
      MY_DB_SERVICE_PORT_HTTP: '80',
      MY_DB_PORT: 'tcp://10.96.0.7:80',
      MY_DB_PORT_80_TCP: 'tcp://10.96.0.7:80',
      MY_DB_PORT_80_TCP_PROTO: 'tcp',
      MY_DB_PORT_80_TCP_PORT: '80',
      MY_DB_PORT_80_TCP_ADDR: '10.96.0.7',
    });
    assert.deepEqual([...serviceEnv(services, 'shop', false).keys()][0], 'KUBERNETES_SERVICE_HOST');
    assert.equal(serviceEnv(services, 'shop', false).has('MY_DB_SERVICE_HOST'), false);
  });
});

test('back-off: the first try is free, then 10 s doubling to 5 min, forgotten after 10 good minutes', () => {
  const backoff = new Backoff();
  const delays: number[] = [];
  let nowMs = 0;
  for (let i = 0; i < 8; i++) {
    delays.push(backoff.remainingMs('k', nowMs, nowMs) / 1000);
    nowMs += backoff.remainingMs('k', nowMs, nowMs);
    backoff.next('k', nowMs, nowMs);
  }
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
  const muchLater = nowMs + 601_000;
  assert.equal(backoff.remainingMs('k', muchLater, muchLater), 0);
  backoff.next('k', muchLater, muchLater);
  assert.equal(backoff.delayMs('k'), 10_000);
  assert.deepEqual([10_000, 80_000, 300_000].map(goDuration), ['10s', '1m20s', '5m0s']);
});

test('names and hashes of containers', () => {
  const identity = { name: 'web-0', namespace: 'default', uid: 'u-1' };
  const name = containerName(identity, 'web', 3);
  assert.equal(name, 'k8s_web_web-0_default_u-1_3');
  assert.equal(attemptOf(`/${name}`), 3);
  assert.equal(attemptOf('/foreign'), 0);
  assert.notEqual(containerHash({ name: 'a', image: 'x' }), containerHash({ name: 'a', image: 'y' }));
  assert.equal(
    containerHash({ name: 'a', image: 'x', args: ['1'] }),
    containerHash({ name: 'a', image: 'x' }),
  );
});

test('DNS by policy', () => {
  const dns = (spec: Partial<PodObject['spec']>) =>
    podDns({ pod: pod(spec), clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local' });
  const cluster = {
    servers: ['10.96.0.10'],
    searches: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
    options: ['ndots:5'],
  };
  assert.deepEqual(dns({}), cluster);
  assert.equal(dns({ dnsPolicy: 'Default' }), undefined);
  assert.equal(dns({ hostNetwork: true, dnsPolicy: 'ClusterFirst' }), undefined);
  assert.deepEqual(dns({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }), cluster);
  assert.deepEqual(dns({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'] } }), {
    servers: ['1.1.1.1'],
    searches: ['x'],
    options: [],
  });
  assert.deepEqual(
    dns({ dnsConfig: { options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } })?.options,
    ['ndots:2', 'edns0'],
  );
  assert.equal(podHostname(pod({ hostname: 'db' })), 'db');
  assert.equal(podHostname(pod()), 'web-0');
  assert.equal(podDomain(pod({ subdomain: 'db' }), 'cluster.local'), 'db.shop.svc.cluster.local');
  assert.equal(podDomain(pod(), 'cluster.local'), undefined);
});

describe('resources and security', () => {
  const memory = 4 * 2 ** 30;
  const resources = (container: Partial<ContainerSpec>) =>
    containerResources(
      pod({ containers: [{ name: 'web', ...container }] }),
      { name: 'web', ...container },
      memory,
    );

  test('requests become shares, limits become limits, nobody goes below zero', () => {
    assert.deepEqual(resources({}), { cpuShares: 2, oomScoreAdj: 1000 });
    const limits = { cpu: '500m', memory: '64Mi' };
    assert.deepEqual(resources({ resources: { limits, requests: limits } }), {
      cpuShares: 512,
      nanoCpus: 500_000_000,
      memoryBytes: 64 * 2 ** 20,
      oomScoreAdj: 0, // Guaranteed
    });
    assert.equal(resources({ resources: { requests: { memory: '2Gi' } } }).oomScoreAdj, 500);
    assert.equal(resources({ resources: { requests: { memory: '4Gi' } } }).oomScoreAdj, 3);
  });

  test('the container overrides the pod', () => {
    const security = containerSecurity(
      pod({ securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } }),
      {
        name: 'web',
        securityContext: { runAsUser: 9, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    );
    assert.equal(security.user, '9:2');
    assert.deepEqual(security.groups, ['4', '3']);
    assert.deepEqual(security.capabilitiesDrop, ['ALL']);
    assert.equal(security.noNewPrivileges, true);
  });

  test('runAsNonRoot is checked against the pod and the image', () => {
    const check = (user: number | undefined, imageUser: string) =>
      nonRootProblem(
        pod({ securityContext: { runAsNonRoot: true, ...(user === undefined ? {} : { runAsUser: user }) } }),
        { name: 'web' },
        imageUser,
      );
    assert.equal(check(1000, ''), undefined);
    assert.match(check(0, '') ?? '', /breaks non-root policy/);
    assert.match(
      check(undefined, '') ?? '',
      /image will run as root \(pod: "\S+_\S+\(\S+\)", container: web\)/,
    );
    assert.match(check(undefined, 'app') ?? '', /non-numeric user/);
    assert.equal(check(undefined, '1000:1000'), undefined);
  });
});

describe('admission on the node', () => {
  const self = node('node-1', '192.0.2.1', undefined, { disk: 'ssd' });
  const asks = (cpu: string) => pod({ containers: [{ name: 'web', resources: { requests: { cpu } } }] });
  const allocatable = { cpu: 1000, memory: 2 ** 30, pods: 2 };

  test('resources and the number of pods', () => {
    assert.equal(admit(asks('600m'), self, [asks('400m')], allocatable), undefined);
    assert.equal(admit(asks('601m'), self, [asks('400m')], allocatable)?.reason, 'OutOfcpu');
    assert.equal(admit(asks('1m'), self, [pod(), pod()], allocatable)?.reason, 'OutOfpods');
  });

  test('node selector and required affinity', () => {
    const affinity = (operator: string, ...values: string[]): PodObject =>
      pod({
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator, values }] }],
            },
          },
        },
      });
    assert.equal(nodeAffinityMatches(pod({ nodeSelector: { disk: 'ssd' } }), self), true);
    assert.equal(nodeAffinityMatches(pod({ nodeSelector: { disk: 'hdd' } }), self), false);
    assert.equal(nodeAffinityMatches(affinity('In', 'ssd', 'nvme'), self), true);
    assert.equal(nodeAffinityMatches(affinity('NotIn', 'ssd'), self), false);
    assert.equal(nodeAffinityMatches(affinity('Exists'), self), true);
    assert.equal(nodeAffinityMatches(affinity('DoesNotExist'), self), false);
    assert.equal(admit(affinity('In', 'hdd'), self, [], allocatable)?.reason, 'NodeAffinity');
  });
});

test('image names: registry, tag, archive, policy, credentials', () => {
  assert.deepEqual(['nginx', 'a/b', 'quay.io/a/b:1', 'localhost/x', 'h:5000/x'].map(registryOf), [
    'docker.io',
    'docker.io',
    'quay.io',
    'localhost',
    'h:5000',
  ]);
  assert.deepEqual(['nginx', 'nginx:1', 'h:5000/x', 'x@sha256:1'].map(withTag), [
    'nginx:latest',
    'nginx:1',
    'h:5000/x:latest',
    'x@sha256:1',
  ]);
  assert.deepEqual(archiveNames('quay.io/a/b:1'), ['quay.io_a_b_1.tar']);
  assert.deepEqual(archiveNames('nginx'), ['nginx_latest.tar', 'nginx.tar']);
  assert.equal(pullPolicyOf({ image: 'nginx' }), 'Always');
  assert.equal(pullPolicyOf({ image: 'nginx:1' }), 'IfNotPresent');
  const auth = Buffer.from('me:p:w').toString('base64');
  const config = JSON.stringify({ auths: { 'https://index.docker.io/v1/': { auth } } });

  test('image names are judged as distribution judges them', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const good = [
      'nginx',
      'a/b_c:V1.0',
      'localhost:5000/x-y',
      `quay.io/a/b@${digest}`,
      `Reg.io/a:1@${digest}`,
    ];
    for (const image of good) assert.equal(imageNameProblem(image), undefined, image);
    for (const image of ['', 'In Valid', 'a:', 'http://a/b', 'a//b', 'a/b:c:d', '-a'])
      assert.equal(imageNameProblem(image), 'invalid reference format', image);
    assert.equal(
      imageNameProblem('Nginx:1'),
      'invalid reference format: repository name (library/Nginx) must be lowercase',
    );
  });
  assert.deepEqual(credentialsFor('nginx', [config]), {
    server: 'https://index.docker.io/v1/',
    username: 'me',
    password: 'p:w',
  });
  assert.equal(credentialsFor('quay.io/x', [config]), undefined);
});

describe('the node', () => {
  test('capacity over the machine’s own', () => {
    assert.deepEqual(parseCapacity(['cpu=2', 'example.com/gpu=1'], { cpu: '8', pods: '110' }), {
      cpu: '2',
      pods: '110',
      'example.com/gpu': '1',
    });
    assert.throws(() => parseCapacity(['cpu'], {}), /not name=quantity/);
  });

  test('Ready says what is missing, and keeps its transition time', () => {
    const base = {
      nodeName: 'node-1',
      addresses: ['192.0.2.1'],
      capacity: { cpu: '4' },
      port: 10250,
      system: {
        machineId: '',
        systemUuid: '',
        bootId: '',
        kernelVersion: '6',
        osImage: 'D',
        os: 'linux',
        arch: 'amd64',
      },
      kubeletVersion: 'v1.35.0',
      runtimeVersion: undefined,
      hasPodCidr: false,
      images: [],
      previous: undefined,
      nowMs: 0,
    };
    const first = nodeStatus(base);
    const ready = first.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.reason, 'KubeletNotReady');
    assert.match(ready?.message ?? '', /^container runtime is down, container runtime network not ready/);
    const second = nodeStatus({
      ...base,
      previous: first,
      nowMs: 60_000,
      hasPodCidr: true,
      runtimeVersion: 'docker://1',
    });
    const pressure = second.conditions?.find(({ type }) => type === 'MemoryPressure');
    assert.equal(pressure?.lastTransitionTime, '1970-01-01T00:00:00Z');
    assert.equal(pressure?.lastHeartbeatTime, '1970-01-01T00:01:00Z');
    assert.equal(second.conditions?.at(-1)?.lastTransitionTime, '1970-01-01T00:01:00Z');
    assert.deepEqual(second.nodeInfo?.containerRuntimeVersion, 'docker://1');
  });

  test('routes: one for each other node; only our own are removed', () => {
    const nodes = [
      node('node-1', '192.0.2.1', '10.244.1.0/24'),
      node('node-2', '192.0.2.2', '10.244.2.0/24'),
      node('node-3', '192.0.2.3', undefined),
      node('evil', '192.0.2.4', 'not-a-cidr'),
    ];
    const wanted = wantedRoutes(nodes, 'node-1');
    assert.deepEqual(wanted, [{ cidr: '10.244.2.0/24', via: '192.0.2.2' }]);
    const moved = { cidr: '10.244.2.0/24', via: '192.0.2.9' };
    const gone = { cidr: '10.244.7.0/24', via: '192.0.2.7' };
    assert.deepEqual(planRoutes(wanted, [moved, gone]), { replace: wanted, remove: [gone] });
    assert.deepEqual(planRoutes(wanted, wanted), { replace: [], remove: [] });
  });

  test('rules: masquerade to the outside only, host ports to pods', () => {
    const ports = hostPortsOf(
      pod({ containers: [{ name: 'web', ports: [{ containerPort: 80, hostPort: 8080 }] }] }),
      '10.244.1.2',
    );
    const rules = nftRules({
      podCidr: '10.244.1.0/24',
      clusterCidr: '10.244.0.0/16',
      nodeIps: ['192.0.2.2', '192.0.2.1'],
      hostPorts: ports,
    });
    assert.match(
      rules,
      /ip saddr 10\.244\.1\.0\/24 ip daddr != \{ 10\.244\.0\.0\/16, 192\.0\.2\.1, 192\.0\.2\.2, /,
    );
    assert.match(rules, /fib daddr type local tcp dport 8080 dnat to 10\.244\.1\.2:80/);
    assert.deepEqual(
      hostPortsOf(pod({ hostNetwork: true, containers: pod().spec.containers }), '1.2.3.4'),
      [],
    );
  });

  test('ranges', () => {
    const cidr = parseCidr('10.244.3.7/24');
    assert.ok(cidr !== undefined);
    assert.deepEqual([formatIp(cidr.base), sizeOf(cidr)], ['10.244.3.0', 256]);
    for (const wrong of ['10.244.3.0', '10.244.3/24', '300.0.0.0/8', '10.0.0.0/33', '']) {
      assert.equal(parseCidr(wrong), undefined, wrong);
    }
  });
});

test('a semaphore keeps its limit; urgent work goes first', async () => {
  const semaphore = new Semaphore(2);
  const order: string[] = [];
  let running = 0;
  const work = (name: string) => async () => {
    running++;
    assert.ok(running <= 2);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(name);
    running--;
  };
  await Promise.all([
    ...['a', 'b', 'c', 'd'].map((name) => semaphore.run(work(name))),
    semaphore.run(work('urgent'), true),
  ]);
  assert.deepEqual(order, ['a', 'b', 'urgent', 'c', 'd']);
});
