import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ApiError } from '../errors.ts';
import { kindFor } from '../scheme.ts';
import { decodeAs, decodeObject } from './index.ts';
import { parseJson } from './json.ts';
import { readEnvelope } from './protobuf.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function pod(spec: object): Uint8Array {
  return bytes({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });
}

/** The message of the refusal. */
function refusal(run: () => unknown, code = 400): string {
  let message = '';
  assert.throws(run, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    message = error.message;
    return true;
  });
  return message;
}

describe('protobuf bodies, as kubectl 1.33 sent them', () => {
  const file = new URL('testdata/kubectl-1.33.json', import.meta.url);
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { hex: string; object: object }>;
  for (const [name, { hex, object }] of Object.entries(recorded)) {
    test(`decodes ${name}`, () => {
      const body = Uint8Array.from(Buffer.from(hex, 'hex'));
      const { apiVersion, kind } = readEnvelope(body);
      const isServed = kindFor(apiVersion, kind) !== undefined;
      const decoded = isServed ? decodeObject(body, PROTOBUF) : decodeAs(kind, body, PROTOBUF);
      assert.deepEqual(decoded, { object, unknown: [] });
    });

    test(`refuses ${name} cut short, and never crashes on damage`, () => {
      const body = Uint8Array.from(Buffer.from(hex, 'hex'));
      fc.assert(
        fc.property(fc.nat(body.length - 1), fc.nat(255), (at, byte) => {
          for (const damaged of [body.slice(0, at), body.with(at, byte)]) {
            try {
              decodeObject(damaged, PROTOBUF);
            } catch (error) {
              assert.ok(error instanceof ApiError && error.code === 400, String(error));
            }
          }
        }),
        { numRuns: 50 },
      );
    });
  }
});

describe('JSON bodies', () => {
  test('come back with type first, zeros dropped, quantities and times canonical', () => {
    const { object, unknown } = decodeObject(
      bytes({
        metadata: { name: 'p', creationTimestamp: null, labels: {} },
        kind: 'Pod',
        apiVersion: 'v1',
        spec: {
          hostNetwork: false,
          terminationGracePeriodSeconds: 0,
          automountServiceAccountToken: false,
          volumes: [{ name: 'tmp', emptyDir: {} }],
          containers: [{ name: 'c', image: '', resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }],
        },
        status: { startTime: '2024-05-06T07:08:09.5+02:00' },
      }),
      'application/json; charset=utf-8',
    );
    assert.deepEqual(unknown, []);
    assert.equal(
      JSON.stringify(object),
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'p' },
        spec: {
          terminationGracePeriodSeconds: 0,
          automountServiceAccountToken: false,
          volumes: [{ name: 'tmp', emptyDir: {} }],
          containers: [{ name: 'c', resources: { limits: { cpu: '500m', memory: '1Gi' } } }],
        },
        status: { startTime: '2024-05-06T05:08:09Z' },
      }),
    );
  });

  test('API-2 decoding what was decoded changes nothing', () => {
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    const anyJson = fc.object({ maxDepth: 4, values: [leaf] });
    const container = fc.record({
      name: fc.string(),
      env: fc.array(fc.record({ name: fc.string(), x: anyJson })),
    });
    fc.assert(
      fc.property(fc.array(container), fc.dictionary(fc.string(), fc.string()), (containers, labels) => {
        const body = { apiVersion: 'v1', kind: 'Pod', metadata: { labels }, spec: { containers } };
        const once = decodeObject(bytes(body), undefined);
        const twice = decodeObject(bytes(once.object), undefined);
        assert.deepEqual(twice, { object: once.object, unknown: [] });
      }),
    );
  });

  test('fill in the type of the path when they do not say it', () => {
    const into = kindFor('apps/v1', 'Deployment');
    const { object } = decodeObject(bytes({ metadata: { name: 'web' } }), undefined, { into });
    assert.deepEqual([object.apiVersion, object.kind], ['apps/v1', 'Deployment']);
  });

  test('report unknown fields with their paths', () => {
    const { object, unknown } = decodeObject(
      pod({ containers: [{ name: 'c' }, { name: 'd', imagee: 'x' }], foo: { bar: 1 } }),
      undefined,
    );
    assert.deepEqual(unknown, ['unknown field "spec.containers[1].imagee"', 'unknown field "spec.foo"']);
    assert.ok(!JSON.stringify(object).includes('imagee'));
  });

  test('report fields given twice', () => {
    const text =
      '{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"},{"name":"b","name":"c"}]},"spec":{}}';
    assert.deepEqual(decodeObject(bytes(text), undefined).unknown, [
      'duplicate field "spec.containers[1].name"',
      'duplicate field "spec"',
    ]);
  });

  test('API-1 a key __proto__ is dropped wherever it stands', () => {
    const text = `{"apiVersion":"apps/v1","kind":"ControllerRevision","__proto__":{"a":1},
      "metadata":{"name":"r","labels":{"__proto__":"x","b":"y"}},"data":{"deep":[{"__proto__":{"polluted":true}}]}}`;
    const { object, unknown } = decodeObject(bytes(text), undefined);
    assert.deepEqual(unknown, ['unknown field "__proto__"']);
    assert.ok(!JSON.stringify(object).includes('__proto__'));
    assert.equal(Object.getPrototypeOf(object.metadata.labels), Object.prototype);
  });

  const refused: [name: string, body: Uint8Array, message: string | RegExp][] = [
    [
      'a string for a struct',
      pod('x' as unknown as object),
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec',
    ],
    [
      'a number for a string, deep down',
      pod({ containers: [{ name: 'c', image: 5 }] }),
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string',
    ],
    [
      'an object for a list',
      pod({ containers: {} }),
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
    ],
    [
      'a fraction for an integer',
      pod({ priority: 1.5 }),
      'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32',
    ],
    [
      'a bad quantity',
      pod({ overhead: { cpu: 'much' } }),
      `Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
    ],
    [
      'a kind that is not served',
      bytes({ apiVersion: 'v1', kind: 'Foo' }),
      'no kind "Foo" is registered for version "v1"',
    ],
    [
      'no JSON at all',
      bytes('{"kind":'),
      /^the object provided is unrecognized \(must be of type object\): couldn't get version\/kind; json parse error: .* \(\{"kind":\)$/,
    ],
    ['nesting without end', bytes('['.repeat(100_000)), /exceeded max depth/],
  ];
  for (const [name, body, message] of refused) {
    test(`refuse ${name}`, () => {
      const actual = refusal(() => decodeObject(body, undefined));
      if (typeof message === 'string') assert.equal(actual, message);
      else assert.match(actual, message);
    });
  }

  test('refuse another kind or version than the path names', () => {
    const into = kindFor('apps/v1', 'Deployment');
    assert.match(
      refusal(() => decodeObject(pod({}), undefined, { into })),
      /^Pod in version "v1" cannot be handled as a Deployment/,
    );
    const beta = bytes({ apiVersion: 'apps/v1beta1', kind: 'Deployment' });
    const message =
      'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)';
    assert.equal(
      refusal(() => decodeObject(beta, undefined, { into })),
      message,
    );
  });

  test('refuse a content type that is none of ours with 415', () => {
    assert.match(
      refusal(() => decodeObject(pod({}), 'text/html'), 415),
      /application\/json, application\/yaml/,
    );
  });
});

describe('YAML bodies', () => {
  test('are read as Kubernetes reads them', () => {
    const text =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nimmutable: yes\ndata:\n  when: "2024-01-01"\n';
    assert.deepEqual(decodeObject(bytes(text), 'application/yaml').object, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c' },
      immutable: true,
      data: { when: '2024-01-01' },
    });
  });

  test('keep octal modes', () => {
    const text = 'apiVersion: v1\nkind: Pod\nspec:\n  volumes: [{name: v, secret: {defaultMode: 0400}}]\n';
    const { object } = decodeObject(bytes(text), 'application/yaml');
    assert.deepEqual(object, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {},
      spec: { volumes: [{ name: 'v', secret: { defaultMode: 0o400 } }], containers: [] },
    });
  });

  test('do not explode by aliases', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
    const text = `a0: &a0 [x]\n${levels.join('\n')}\n`;
    assert.match(
      refusal(() => decodeObject(bytes(text), 'application/yaml')),
      /alias/i,
    );
  });
});

test('every JSON value is parsed as JSON.parse parses it, with no duplicates seen where there are none', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, duplicates } = parseJson(text);
      assert.deepEqual(value, JSON.parse(text));
      assert.deepEqual(duplicates, []);
    }),
  );
});

describe('decodeAs', () => {
  test('reads delete options of any group', () => {
    const body = bytes({
      kind: 'DeleteOptions',
      apiVersion: 'apps/v1',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    });
    const { object, unknown } = decodeAs<object>('DeleteOptions', body, 'application/json');
    assert.deepEqual(unknown, []);
    assert.deepEqual(object, {
      kind: 'DeleteOptions',
      apiVersion: 'apps/v1',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    });
  });

  test('reads a body that does not say what it is', () => {
    const { object } = decodeAs<object>('Eviction', bytes({ metadata: { name: 'p' } }), undefined);
    assert.deepEqual(object, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } });
  });
});

describe('API-5 what a kind requires is there after decoding, empty if need be', () => {
  test('metadata and spec, down to the template of a workload', () => {
    const { object } = decodeObject(bytes({ apiVersion: 'apps/v1', kind: 'Deployment' }), undefined);
    assert.deepEqual(object, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {},
      spec: { template: { spec: { containers: [] } } },
    });
  });

  test('names and lists of elements', () => {
    const { object } = decodeObject(pod({ containers: [{}], volumes: [{ secret: {} }] }), undefined);
    assert.deepEqual(object, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [{ name: '' }], volumes: [{ name: '', secret: {} }] },
    });
  });

  test('but no selector, whose absence means something', () => {
    const { object } = decodeObject(
      bytes({ apiVersion: 'apps/v1', kind: 'ReplicaSet', spec: {} }),
      undefined,
    );
    assert.ok(!JSON.stringify(object).includes('selector'));
  });
});
