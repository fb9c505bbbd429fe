import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ApiError } from '../errors.ts';
import type { KubeObject } from '../meta.ts';
import { findResource } from '../scheme.ts';
import {
  childOf,
  difference,
  emptySet,
  fromFieldsV1,
  intersection,
  isEmpty,
  isEqual,
  pathsOf,
  pathText,
  toFieldsV1,
  union,
} from './field-set.ts';
import { applyServerSide, trackUpdate } from './index.ts';
import { fieldsOf } from './ownership.ts';

const deployments = findResource('apps', 'v1', 'deployments');
const configMaps = findResource('', 'v1', 'configmaps');
assert.ok(deployments && configMaps);

const T1 = '2024-01-01T00:00:01Z';
const T2 = '2024-01-01T00:00:02Z';

function by(manager: string, nowText = T1, force = false) {
  return { manager, nowText, force, subresource: '' };
}

function web(spec: object, labels?: Record<string, string>): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', ...(labels && { labels }) },
    spec,
  };
}

function containers(...list: object[]): object {
  return { template: { spec: { containers: list } } };
}

function apply(live: KubeObject | undefined, patch: object, manager: string, force = false): KubeObject {
  assert.ok(deployments);
  return applyServerSide(deployments, live, patch, by(manager, T1, force)).object;
}

/** The object as applied: without its owners, and without the empty template that completion adds. */
function withoutOwners({ metadata: { managedFields: _, ...metadata }, ...object }: KubeObject): object {
  const { spec } = object as { spec?: Record<string, unknown> };
  const isHollow = JSON.stringify(spec?.['template']) === '{"spec":{"containers":[]}}';
  const { template, ...rest } = spec ?? {};
  return { ...object, metadata, spec: isHollow ? rest : { template, ...rest } };
}

function ownedBy(object: KubeObject, manager: string): string[] {
  const entry = object.metadata.managedFields?.find((e) => e.manager === manager);
  return pathsOf(fromFieldsV1(entry?.fieldsV1)).map(pathText).sort();
}

function refusal(run: () => unknown): ApiError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    return error;
  }
  assert.fail('not refused');
}

describe('server-side apply', () => {
  test('creates what is not there, owned by the applier', () => {
    const patch = web(
      { replicas: 2, ...containers({ name: 'c', image: 'i', ports: [{ containerPort: 80 }] }) },
      { a: 'b' },
    );
    const object = apply(undefined, patch, 'me');
    assert.deepEqual(withoutOwners(object), patch);
    assert.deepEqual(ownedBy(object, 'me'), [
      '.metadata.labels.a',
      '.spec.replicas',
      '.spec.template.spec.containers[name="c"]',
      '.spec.template.spec.containers[name="c"].image',
      '.spec.template.spec.containers[name="c"].name',
      '.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"]',
      '.spec.template.spec.containers[name="c"].ports[containerPort=80,protocol="TCP"].containerPort',
    ]);
  });

  test('the same again changes nothing, not even the time', () => {
    assert.ok(deployments);
    const patch = web({ replicas: 2 });
    const once = apply(undefined, patch, 'me');
    assert.deepEqual(applyServerSide(deployments, once, patch, by('me', T2)).object, once);
  });

  test('removes what is no longer applied, and the containers that become hollow', () => {
    const once = apply(
      undefined,
      web({ replicas: 2, strategy: { rollingUpdate: { maxSurge: 1 } } }, { a: 'b' }),
      'me',
    );
    const twice = apply(once, web({ replicas: 2 }), 'me');
    assert.deepEqual(withoutOwners(twice), web({ replicas: 2 }));
  });

  test('two managers share a list, each its own elements', () => {
    const one = apply(undefined, web(containers({ name: 'a', image: '1' })), 'one');
    const both = apply(one, web(containers({ name: 'b', image: '2' })), 'two');
    assert.deepEqual(
      withoutOwners(both),
      web(containers({ name: 'a', image: '1' }, { name: 'b', image: '2' })),
    );
    const without = apply(both, web({ replicas: 1 }), 'one');
    assert.deepEqual(withoutOwners(without), web({ ...containers({ name: 'b', image: '2' }), replicas: 1 }));
  });

  test('API-4 keeps an element while another manager owns something in it', () => {
    const one = apply(undefined, web(containers({ name: 'a', image: '1' })), 'one');
    const both = apply(one, web(containers({ name: 'a', env: [{ name: 'X', value: 'y' }] })), 'two');
    const left = apply(both, web({ replicas: 1 }), 'one');
    const expected = containers({ name: 'a', env: [{ name: 'X', value: 'y' }] });
    assert.deepEqual(withoutOwners(left), web({ ...expected, replicas: 1 }));
  });

  test('orders elements as applied, those of others keeping their places', () => {
    const live = apply(undefined, web(containers({ name: 'a' }, { name: 'x' }, { name: 'b' })), 'one');
    const object = apply(live, web(containers({ name: 'b' }, { name: 'a' })), 'two');
    assert.deepEqual(withoutOwners(object), web(containers({ name: 'b' }, { name: 'x' }, { name: 'a' })));
  });

  test('the same value from two managers is owned by both, and no conflict', () => {
    const both = apply(apply(undefined, web({ replicas: 2 }), 'one'), web({ replicas: 2 }), 'two');
    assert.deepEqual(ownedBy(both, 'one'), ['.spec.replicas']);
    assert.deepEqual(ownedBy(both, 'two'), ['.spec.replicas']);
    const left = apply(both, web({ paused: true }), 'one');
    assert.deepEqual(withoutOwners(left), web({ replicas: 2, paused: true }));
  });

  test('another value is a conflict, said as upstream says it', () => {
    const live = apply(undefined, web({ replicas: 2, paused: true }), 'one');
    const error = refusal(() => apply(live, web({ replicas: 3 }), 'two'));
    assert.equal(error.code, 409);
    assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
    assert.deepEqual(error.status.details?.causes, [
      { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.spec.replicas' },
    ]);
    const two = refusal(() =>
      apply(live, web({ replicas: 3, minReadySeconds: 5, paused: false, progressDeadlineSeconds: 1 }), 'two'),
    );
    assert.equal(two.message, 'Apply failed with 1 conflict: conflict with "one": .spec.replicas');
  });

  test('force takes the field over', () => {
    const live = apply(undefined, web({ replicas: 2, paused: true }), 'one');
    const object = apply(live, web({ replicas: 3 }), 'two', true);
    assert.deepEqual(withoutOwners(object), web({ replicas: 3, paused: true }));
    assert.deepEqual(ownedBy(object, 'one'), ['.spec.paused']);
    assert.deepEqual(ownedBy(object, 'two'), ['.spec.replicas']);
  });

  test('what was there before anybody applied belongs to before-first-apply', () => {
    const live = { ...web({ replicas: 1 }), metadata: { name: 'web', creationTimestamp: T1 } } as KubeObject;
    const message = refusal(() => apply(live, web({ replicas: 3 }), 'me')).message;
    assert.equal(
      message,
      `Apply failed with 1 conflict: conflict with "before-first-apply" using apps/v1 at ${T1}: .spec.replicas`,
    );
    assert.deepEqual(ownedBy(apply(live, web({ replicas: 1 }), 'me'), 'me'), ['.spec.replicas']);
  });

  const refused: [name: string, patch: object, manager: string, code: number, text: RegExp][] = [
    ['no manager', web({}), '', 422, /fieldManager: Required value: is required for apply patch/],
    ['another kind', { ...web({}), kind: 'Pod' }, 'me', 400, /invalid object type/],
    [
      'managed fields',
      { ...web({}), metadata: { managedFields: [{}] } },
      'me',
      400,
      /metadata.managedFields must be nil/,
    ],
    ['a wrong type', web({ replicas: 'x' }), 'me', 400, /cannot unmarshal string/],
    [
      'an element twice',
      web(containers({ name: 'a' }, { name: 'a' })),
      'me',
      400,
      /duplicate entries for key \[name="a"\]/,
    ],
  ];
  for (const [name, patch, manager, code, text] of refused) {
    test(`refuses ${name}`, () => {
      const error = refusal(() => apply(undefined, patch, manager));
      assert.equal(error.code, code);
      assert.match(error.message, text);
    });
  }

  test('API-3 the applier owns exactly what it applied, and nothing of it is missing', () => {
    const data = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'), {
      minKeys: 1,
    });
    const step = fc.record({ manager: fc.constantFrom('x', 'y', 'z'), data });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let live: KubeObject | undefined;
        for (const { manager, data: wanted } of steps) {
          const patch = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data: wanted };
          live = applyServerSide(configMaps, live, patch, by(manager, T1, true)).object;
          assert.deepEqual(
            ownedBy(live, manager),
            Object.keys(wanted)
              .map((k) => `.data.${k}`)
              .sort(),
          );
          const owned = ['x', 'y', 'z'].flatMap((m) => ownedBy(live as KubeObject, m));
          const { data: stored } = live as KubeObject & { data: Record<string, string> };
          assert.deepEqual(stored, { ...stored, ...wanted });
          assert.deepEqual(new Set(owned), new Set(Object.keys(stored).map((k) => `.data.${k}`)));
        }
      }),
    );
  });
});

describe('updates by other means', () => {
  test('take over what they change and drop what they remove', () => {
    assert.ok(deployments);
    const live = apply(undefined, web({ replicas: 2, paused: true }, { a: 'b' }), 'me');
    const updated = { ...live, spec: { replicas: 5 } } as KubeObject;
    const tracked = trackUpdate(deployments, live, updated, by('scaler', T2));
    assert.deepEqual(ownedBy(tracked, 'me'), ['.metadata.labels.a']);
    assert.deepEqual(ownedBy(tracked, 'scaler'), ['.spec.replicas']);
    const error = refusal(() => apply(tracked, web({ replicas: 2 }, { a: 'b' }), 'me'));
    assert.equal(
      error.message,
      `Apply failed with 1 conflict: conflict with "scaler" using apps/v1 at ${T2}: .spec.replicas`,
    );
  });

  test('of objects that nobody applied are not tracked', () => {
    assert.ok(deployments);
    const live = web({ replicas: 1 }) as KubeObject;
    const updated = web({ replicas: 2 }) as KubeObject;
    assert.equal(trackUpdate(deployments, live, updated, by('me')), updated);
  });

  test('that change nothing leave the owners as they are', () => {
    assert.ok(deployments);
    const live = apply(undefined, web({ replicas: 2 }), 'me');
    const { managedFields: _, ...metadata } = live.metadata;
    assert.deepEqual(trackUpdate(deployments, live, { ...live, metadata }, by('x', T2)), live);
  });
});

describe('field sets', () => {
  const element = fc.constantFrom('f:a', 'f:b', 'k:{"name":"x"}', 'v:"y"');
  const rooted = fc.array(fc.array(element, { minLength: 1, maxLength: 4 })).map((paths) => {
    const root = emptySet();
    for (const path of paths) path.reduce(childOf, root).isMember = true;
    return root;
  });

  test('obey the laws of sets', () => {
    fc.assert(
      fc.property(rooted, rooted, (a, b) => {
        assert.ok(isEqual(union(difference(a, b), intersection(a, b)), a));
        assert.ok(isEqual(union(a, b), union(b, a)));
        assert.ok(isEmpty(intersection(difference(a, b), b)));
      }),
    );
  });

  test('survive the way through FieldsV1', () => {
    fc.assert(
      fc.property(rooted, (a) => {
        assert.ok(isEqual(fromFieldsV1(JSON.parse(JSON.stringify(toFieldsV1(a)))), a));
      }),
    );
  });

  test('atomic lists and objects are owned whole', () => {
    const object = web({ selector: { matchLabels: { a: 'b' } }, ...containers({ name: 'c', args: ['x'] }) });
    assert.deepEqual(pathsOf(fieldsOf('Deployment', object)).map(pathText).sort(), [
      '.spec.selector',
      '.spec.template.spec.containers[name="c"]',
      '.spec.template.spec.containers[name="c"].args',
      '.spec.template.spec.containers[name="c"].name',
    ]);
  });
});
