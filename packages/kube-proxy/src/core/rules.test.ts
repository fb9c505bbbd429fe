import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EndpointSlice, Service } from '@kubelab/api';
import fc from 'fast-check';
import { compileRules, type ProxySettings } from './nftables.ts';
import { diffScript, EMPTY, type RuleSet } from './ruleset.ts';
import { type ServicePort, servicePorts } from './services.ts';

const settings: ProxySettings = {
  clusterCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/16',
  bridgeBypass: false,
};
const meta = (name: string) => ({
  name,
  namespace: 'default',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-01-01T00:00:00Z',
});

function service(name: string, spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: meta(name),
    spec: {
      clusterIP: '10.96.0.7',
      type: 'ClusterIP',
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
  };
}

interface End {
  readonly address: string;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly node?: string;
}

function slice(serviceName: string, ends: readonly End[]): EndpointSlice {
  return {
    metadata: { ...meta(`${serviceName}-abc`), labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: ends.map(({ address, node, ...conditions }) => ({
      addresses: [address],
      nodeName: node,
      conditions,
    })),
  };
}

const addresses = (ports: readonly ServicePort[]) => ports[0]?.internal.map(({ address }) => address);

suite('services to targets', () => {
  test('PROXY-1 only ready endpoints are targets; unknown readiness is ready', () => {
    const ports = servicePorts(
      [service('web')],
      [
        slice('web', [
          { address: '10.244.0.2', ready: true },
          { address: '10.244.0.3', ready: false },
          { address: '10.244.0.4' },
        ]),
      ],
      'n1',
    );
    assert.deepEqual(addresses(ports), ['10.244.0.2', '10.244.0.4']);
  });

  test('PROXY-1 with none ready, those that serve while they terminate are', () => {
    const ends = [
      { address: '10.244.0.2', ready: false, serving: true, terminating: true },
      { address: '10.244.0.3', ready: false, serving: false, terminating: true },
    ];
    assert.deepEqual(addresses(servicePorts([service('web')], [slice('web', ends)], 'n1')), ['10.244.0.2']);
  });

  test('PROXY-2 the order of Services, slices and endpoints does not matter', () => {
    const ends = fc.uniqueArray(fc.integer({ min: 1, max: 250 }), { maxLength: 8 });
    fc.assert(
      fc.property(ends, fc.integer(), (bytes, seed) => {
        const list = bytes.map((byte) => ({ address: `10.244.0.${byte}`, ready: true }));
        const shuffled = list.toSorted(
          (a, b) => (a.address + seed).localeCompare(b.address) * (seed % 2 === 0 ? 1 : -1),
        );
        const services = [service('web'), service('api', { clusterIP: '10.96.0.8' })];
        assert.deepEqual(
          servicePorts(services, [slice('web', list)], 'n1'),
          servicePorts(services.toReversed(), [slice('web', shuffled)], 'n1'),
        );
      }),
    );
  });

  test('headless and ExternalName Services have no rules', () => {
    assert.deepEqual(
      servicePorts([service('a', { clusterIP: 'None' }), service('b', { type: 'ExternalName' })], [], 'n1'),
      [],
    );
  });

  test('externalTrafficPolicy Local keeps node-port clients on this node and their address', () => {
    const spec = {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30080 }],
    };
    const ends = [
      { address: '10.244.0.2', ready: true, node: 'n1' },
      { address: '10.244.1.2', ready: true, node: 'n2' },
    ];
    const [port] = servicePorts([service('web', spec)], [slice('web', ends)], 'n1');
    assert.deepEqual(port?.external, [{ address: '10.244.0.2', port: 8080 }]);
    assert.equal(port?.internal.length, 2);
    assert.equal(port?.keepsSource, true);
  });
});

/** Applies a script to a model of the kernel's table that refuses what the kernel refuses. */
function applyTo(before: RuleSet, script: string): RuleSet {
  const chains = new Map<string, string[]>([...before.chains].map(([name, rules]) => [name, [...rules]]));
  const sets = new Map(before.sets);
  const maps = new Map(
    [...before.maps].map(([name, spec]) => [name, { ...spec, elements: new Map(spec.elements) }]),
  );
  const targets = (text: string) =>
    [...text.matchAll(/(?:goto|jump) ([\w.-]+)/g)].map((match) => match[1] ?? '');
  for (const line of script.split('\n').filter(Boolean)) {
    const [verb, what, , , name = '', ...rest] = line.split(' ');
    const text = rest.join(' ');
    if (verb === 'add' && what === 'chain') chains.set(name, text === '' ? [] : [text.slice(2, -2)]);
    else if (verb === 'add' && (what === 'set' || what === 'map') && text.includes('flags'))
      sets.set(name, text.slice(2, -2));
    else if (verb === 'add' && (what === 'set' || what === 'map'))
      maps.set(name, { kind: what, type: text.slice(7, -3), elements: new Map() });
    else if (verb === 'add' && what === 'rule') {
      for (const target of targets(text)) assert.ok(chains.has(target), `RULES-2 ${line}`);
      chains.get(name)?.push(text);
    } else if (verb === 'flush')
      chains.set(
        name,
        (chains.get(name) ?? []).filter((rule) => rule.startsWith('type ')),
      );
    else if (what === 'element') {
      for (const element of text.slice(2, -2).split(', ')) {
        const [key = '', value = ''] = element.split(' : ');
        if (verb === 'add') maps.get(name)?.elements.set(key, value);
        else assert.ok(maps.get(name)?.elements.delete(key), `deletes what is not there: ${line}`);
      }
    } else if (verb === 'delete' && what === 'chain') {
      const users = [
        ...[...chains.values()].flat(),
        ...[...maps.values()].flatMap(({ elements }) => [...elements.values()]),
      ];
      assert.ok(!users.some((user) => targets(user).includes(name)), `RULES-2 still in use: ${line}`);
      assert.ok(chains.delete(name), line);
    } else if (verb === 'delete' && what === 'set') assert.ok(sets.delete(name), line);
    else assert.fail(line);
  }
  return { chains, sets, maps };
}

suite('rule sets', () => {
  const portArbitrary = fc.record({
    byte: fc.integer({ min: 1, max: 6 }),
    ends: fc.uniqueArray(fc.integer({ min: 2, max: 9 }), { maxLength: 4 }),
    nodePort: fc.option(fc.integer({ min: 30_000, max: 30_003 }), { nil: undefined }),
    affinity: fc.option(fc.constantFrom(60, 10_800), { nil: undefined }),
  });
  const stateArbitrary = fc
    .uniqueArray(portArbitrary, { selector: ({ byte }) => byte, maxLength: 5 })
    .map((list) =>
      compileRules(
        list.map(({ byte, ends, nodePort, affinity }): ServicePort => {
          const targets = ends.map((end) => ({ address: `10.244.0.${end}`, port: 80 }));
          return {
            id: `s${byte}`,
            protocol: 'tcp',
            port: 80,
            addresses: [`10.96.0.${byte}`],
            nodePort: nodePort === undefined ? undefined : nodePort + byte * 10,
            affinitySeconds: affinity,
            internal: targets,
            external: targets,
            keepsSource: false,
          };
        }),
        settings,
      ),
    );

  test('RULES-1 the same state twice gives an empty script', () => {
    fc.assert(fc.property(stateArbitrary, (state) => assert.equal(diffScript('ip t', state, state), '')));
  });

  test('RULES-2 from any state to any other the script names nothing that is missing and ends at the wanted state', () => {
    fc.assert(
      fc.property(fc.array(stateArbitrary, { minLength: 2, maxLength: 4 }), (states) => {
        let kernel: RuleSet = EMPTY;
        let last: RuleSet = EMPTY;
        for (const next of states) {
          kernel = applyTo(kernel, diffScript('ip t', last, next));
          last = next;
          assert.deepEqual(kernel.chains, next.chains);
          assert.deepEqual(kernel.sets, next.sets);
          for (const [name, spec] of next.maps)
            assert.deepEqual(kernel.maps.get(name)?.elements, new Map(spec.elements));
        }
      }),
    );
  });

  test('a Service without endpoints is refused, one with endpoints is not', () => {
    const base = { protocol: 'tcp', port: 80, nodePort: 30_080, external: [], keepsSource: false } as const;
    const rules = compileRules([{ ...base, id: 'a', addresses: ['10.96.0.1'], internal: [] }], settings);
    assert.ok(rules.maps.get('no-endpoint-services')?.elements.has('10.96.0.1 . tcp . 80'));
    assert.ok(rules.maps.get('no-endpoint-nodeports')?.elements.has('tcp . 30080'));
    assert.equal(rules.maps.get('service-ips')?.elements.size, 0);
  });
});
