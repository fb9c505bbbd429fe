import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { findResource } from '../scheme.ts';
import { applyPatch, jsonPatch, mergePatch, parsePatch, strategicMergePatch } from './index.ts';

function isRefused(code: number, text?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    if (text !== undefined) assert.match(JSON.stringify(error.status), text);
    return true;
  };
}

describe('JSON patch', () => {
  test('applies operations in order and leaves the object as it was', () => {
    const object = Object.freeze({ spec: Object.freeze({ replicas: 1, list: Object.freeze(['a']) }) });
    const operations = [
      { op: 'test', path: '/spec/replicas', value: 1 },
      { op: 'replace', path: '/spec/replicas', value: 2 },
      { op: 'add', path: '/spec/list/-', value: 'b' },
    ];
    assert.deepEqual(jsonPatch(object, operations), { spec: { replicas: 2, list: ['a', 'b'] } });
    assert.deepEqual(object, { spec: { replicas: 1, list: ['a'] } });
  });

  test('may replace the whole object', () => {
    assert.deepEqual(jsonPatch<unknown>({ a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }]), { b: 2 });
  });

  const refused: [name: string, operations: unknown, code: number, text: RegExp][] = [
    ['a failed test', [{ op: 'test', path: '/a', value: 2 }], 422, /the server rejected our request/],
    ['a missing path', [{ op: 'remove', path: '/b/c' }], 422, /the server rejected our request/],
    ['no list', { op: 'remove' }, 400, /Invalid JSON Patch/],
    ['an unknown operation', [{ op: 'frobnicate', path: '/a' }], 400, /Invalid JSON Patch/],
    [
      'API-1 a path to the prototype',
      [{ op: 'add', path: '/__proto__/x', value: 1 }],
      400,
      /Invalid JSON Patch/,
    ],
    [
      'too many operations',
      Array.from({ length: 10_001 }, () => ({ op: 'test', path: '' })),
      413,
      /10000, got 10001/,
    ],
    [
      'copies without end',
      Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '', path: `/c${i}` })),
      422,
      /the server rejected our request/,
    ],
  ];
  for (const [name, operations, code, text] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => jsonPatch({ a: 1, pad: 'x'.repeat(1000) }, operations), isRefused(code, text));
    });
  }
});

describe('merge patch', () => {
  const cases: [name: string, object: unknown, patch: unknown, want: unknown][] = [
    ['adds and replaces', { a: 'b', c: { d: 1 } }, { a: 'z', c: { e: 2 } }, { a: 'z', c: { d: 1, e: 2 } }],
    ['removes by null', { a: 'b', c: { d: 1 } }, { a: null, c: { d: null } }, { c: {} }],
    ['drops nulls of new objects', {}, { a: { b: { c: null } } }, { a: { b: {} } }],
    ['replaces lists', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['replaces a scalar by an object', { a: 1 }, { a: { b: 2 } }, { a: { b: 2 } }],
  ];
  for (const [name, object, patch, want] of cases) {
    test(name, () => assert.deepEqual(mergePatch(object, patch), want));
  }

  test('applied twice is the same as once', () => {
    fc.assert(
      fc.property(fc.object(), fc.object(), (object, patch) => {
        const once = mergePatch(object, patch);
        assert.deepEqual(mergePatch(once, patch), once);
      }),
    );
  });

  test('API-1 a key __proto__ stays a key', () => {
    const patch: unknown = JSON.parse('{"__proto__":{"polluted":1}}');
    const merged = mergePatch({}, patch);
    assert.equal(Object.getPrototypeOf(merged), Object.prototype);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });
});

describe('strategic merge patch', () => {
  const web = { name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }], args: ['-a', '-b'] };
  const log = { name: 'log', image: 'log:1' };
  const podSpec = { containers: [web, log], nodeSelector: { disk: 'ssd', zone: 'a' } };

  const cases: [name: string, definition: string, object: object, patch: unknown, want: object][] = [
    [
      'merges containers by name, deep down',
      'PodSpec',
      podSpec,
      { containers: [{ name: 'web', image: 'web:2', env: [{ name: 'B', value: '2' }] }] },
      {
        ...podSpec,
        containers: [
          {
            ...web,
            image: 'web:2',
            env: [
              { name: 'B', value: '2' },
              { name: 'A', value: '1' },
            ],
          },
          log,
        ],
      },
    ],
    [
      'puts what is new first, without its nulls and directives',
      'PodSpec',
      { containers: [web] },
      { containers: [{ name: 'new', image: null, env: [{ name: 'X', $patch: 'delete' }] }] },
      { containers: [{ name: 'new', env: [] }, web] },
    ],
    [
      'replaces lists without a merge strategy',
      'PodSpec',
      { containers: [web] },
      { containers: [{ name: 'web', args: ['-c'] }] },
      { containers: [{ ...web, args: ['-c'] }] },
    ],
    [
      'deletes an element by $patch: delete',
      'PodSpec',
      podSpec,
      { containers: [{ name: 'log', $patch: 'delete' }] },
      { ...podSpec, containers: [web] },
    ],
    [
      'replaces a list by an element $patch: replace',
      'PodSpec',
      podSpec,
      { containers: [{ $patch: 'replace' }, { name: 'one' }] },
      { ...podSpec, containers: [{ name: 'one' }] },
    ],
    [
      'replaces an object by $patch: replace',
      'PodSpec',
      podSpec,
      { nodeSelector: { $patch: 'replace', zone: 'b' } },
      { ...podSpec, nodeSelector: { zone: 'b' } },
    ],
    [
      'removes by null',
      'PodSpec',
      podSpec,
      { nodeSelector: { disk: null } },
      { ...podSpec, nodeSelector: { zone: 'a' } },
    ],
    [
      'orders a list as $setElementOrder says, elements of others keeping their place',
      'PodSpec',
      { containers: [{ name: 'a' }, { name: 'injected' }, { name: 'b' }] },
      {
        $setElementOrder: 0,
        '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }],
        containers: [{ name: 'a', image: 'x' }],
      },
      { containers: [{ name: 'injected' }, { name: 'b' }, { name: 'a', image: 'x' }], $setElementOrder: 0 },
    ],
    [
      'merges lists of scalars as sets',
      'ObjectMeta',
      { finalizers: ['a', 'b'] },
      { finalizers: ['b', 'c'] },
      { finalizers: ['a', 'b', 'c'] },
    ],
    [
      'takes scalars out of a list',
      'ObjectMeta',
      { finalizers: ['a', 'b', 'c'] },
      { '$deleteFromPrimitiveList/finalizers': ['b'] },
      { finalizers: ['a', 'c'] },
    ],
    [
      'clears the members of a union that $retainKeys does not name',
      'DeploymentSpec',
      { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } },
      { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
      { strategy: { type: 'Recreate' } },
    ],
    [
      'merges service ports by port',
      'ServiceSpec',
      { ports: [{ port: 80, name: 'http' }] },
      {
        ports: [
          { port: 443, name: 'https' },
          { port: 80, nodePort: 30080 },
        ],
      },
      {
        ports: [
          { port: 443, name: 'https' },
          { port: 80, name: 'http', nodePort: 30080 },
        ],
      },
    ],
    [
      'replaces taints whole',
      'NodeSpec',
      { taints: [{ key: 'a' }] },
      { taints: [{ key: 'b' }] },
      { taints: [{ key: 'b' }] },
    ],
  ];
  for (const [name, definition, object, patch, want] of cases) {
    test(name, () => {
      const before = structuredClone(object);
      assert.deepEqual(strategicMergePatch(definition, object, patch), want);
      assert.deepEqual(object, before, 'the object was changed');
    });
  }

  const refused: [name: string, patch: unknown, code: number, text: RegExp][] = [
    [
      'an element without its merge key',
      { containers: [{ image: 'x' }] },
      422,
      /does not contain declared merge key: name/,
    ],
    ['an unknown directive', { $patch: 'explode' }, 400, /unknown patch type/],
    ['an order that is no list', { '$setElementOrder/containers': 1 }, 400, /setElementOrder/],
    ['keys beside $retainKeys', { $retainKeys: ['a'], b: 1 }, 400, /retainKeys/],
    ['a patch that is no object', [], 400, /Invalid JSON document/],
  ];
  for (const [name, patch, code, text] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(() => strategicMergePatch('PodSpec', podSpec, patch), isRefused(code, text));
    });
  }

  test('without lists and directives it is a merge patch', () => {
    const plain = fc.object({
      withNullPrototype: false,
      values: [fc.integer(), fc.string(), fc.constant(null)],
    });
    const noArrays = plain.filter((o) => !JSON.stringify(o).includes('['));
    fc.assert(
      fc.property(noArrays, noArrays, (object, patch) => {
        assert.deepEqual(strategicMergePatch('PodSpec', object, patch), mergePatch(object, patch));
      }),
    );
  });

  test('lists of a hundred thousand elements take no longer than they must', () => {
    const ports = Array.from({ length: 100_000 }, (_, i) => ({ port: i }));
    const patch = {
      ports: ports.map(({ port }) => (port % 2 === 0 ? { port, $patch: 'delete' } : { port, name: 'x' })),
    };
    const started = performance.now();
    const { ports: merged } = strategicMergePatch('ServiceSpec', { ports }, patch);
    assert.equal(merged.length, 50_000);
    assert.ok(performance.now() - started < 5_000);
  });

  test('applied twice is the same as once', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd');
    const containers = fc.uniqueArray(fc.record({ name: names, image: fc.string() }), {
      selector: (c) => c.name,
    });
    fc.assert(
      fc.property(containers, containers, containers, (original, patch, order) => {
        const wanted = {
          containers: patch,
          '$setElementOrder/containers': [...patch, ...order].map(({ name }) => ({ name })),
        };
        const once = strategicMergePatch('PodSpec', { containers: original }, wanted);
        assert.deepEqual(strategicMergePatch('PodSpec', once, wanted), once);
      }),
    );
  });
});

describe('applyPatch', () => {
  const deployments = findResource('apps', 'v1', 'deployments');
  assert.ok(deployments);
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 1 },
  };
  const patch = (text: string, type: string) => parsePatch(new TextEncoder().encode(text), type);

  test('brings the outcome into the shape of the kind and reports unknown fields', () => {
    const decoded = applyPatch(
      deployments,
      object,
      patch('{"spec":{"foo":1,"replicas":2,"replicas":3}}', 'application/merge-patch+json'),
    );
    assert.deepEqual(decoded, {
      object: { ...object, spec: { replicas: 3, template: { spec: { containers: [] } } } },
      unknown: ['duplicate field "spec.replicas"', 'unknown field "spec.foo"'],
    });
  });

  test('refuses an outcome of the wrong shape with 422', () => {
    const wrong = patch(
      '[{"op":"replace","path":"/spec/replicas","value":"two"}]',
      'application/json-patch+json',
    );
    assert.throws(
      () => applyPatch(deployments, object, wrong),
      isRefused(422, /cannot unmarshal string into Go struct field/),
    );
  });

  test('refuses a patch of no known type with 415', () => {
    assert.throws(() => patch('{}', 'application/json'), isRefused(415, /apply-patch\+yaml/));
  });

  test('refuses a patch that is no JSON with 400', () => {
    assert.throws(() => patch('{', 'application/merge-patch+json'), isRefused(400, /error decoding patch/));
  });
});
