import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { decodeObject } from '../codec/index.ts';
import { applyDefaults } from '../defaults/index.ts';
import { isStatus } from '../errors.ts';
import type { KubeObject } from '../meta.ts';
import { definitionOf, type Field } from '../schema/index.ts';
import { resources, type ServedResource } from '../scheme.ts';
import { fieldsOf } from '../selectors/fields-of.ts';
import { planDeletion, prepareForCreate, prepareForUpdate } from '../strategies/index.ts';
import { tableOf } from '../tables/index.ts';
import { validate } from './index.ts';

const DEPTH_MAX = 7;
const TEXTS = [
  '',
  'a',
  'Always',
  'x/y',
  '-',
  '10.0.0.1',
  '5',
  'constructor',
  '2026-01-31T09:00:00Z',
  'aGk=',
  '50%',
];

/** Numbers from a seed: the same objects each time the test is asked for that seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Any object a definition allows, most fields missing. */
function anyObject(name: string, random: (below: number) => number, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [field, type] of definitionOf(name).fields) {
    // Shallow fields are likely: that is where the rules are.
    if (random(10) < 8 - depth) object[field] = anyValue(type, random, depth + 1);
  }
  return object;
}

function anyValue(field: Field, random: (below: number) => number, depth: number): unknown {
  const text = TEXTS[random(TEXTS.length)] ?? '';
  const { ref, items } = field;
  switch (field.type) {
    case 'object':
      return ref === undefined || depth > DEPTH_MAX ? {} : anyObject(ref, random, depth);
    case 'array':
      return items === undefined
        ? []
        : Array.from({ length: random(3) }, () => anyValue(items, random, depth));
    case 'map':
      return items === undefined ? {} : { [text]: anyValue(items, random, depth) };
    case 'boolean':
      return random(2) === 0;
    case 'int32':
    case 'int64':
    case 'double':
      return [-1, 0, 1, 80, 70_000][random(5)];
    case 'quantity':
      return ['1', '500m', '-1', '1Gi'][random(4)];
    case 'time':
    case 'micro-time':
      return '2026-01-31T09:00:00Z';
    case 'bytes':
      return 'aGk=';
    case 'int-or-string':
      return random(2) === 0 ? 3 : text;
    default:
      return text;
  }
}

function decoded(rt: ServedResource, random: (below: number) => number): KubeObject | undefined {
  const body = { ...anyObject(rt.schema, random, 0), apiVersion: rt.apiVersion, kind: rt.kind };
  try {
    return decodeObject(new TextEncoder().encode(JSON.stringify(body)), 'application/json', { into: rt })
      .object;
  } catch (err) {
    if (isStatus(err, 'BadRequest')) return undefined;
    throw err;
  }
}

test('nothing a client can send makes the server stumble: every refusal is a field error', () => {
  const stored = resources.filter((rt) => rt.isStored);
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...stored), (seed, rt) => {
      const random = randomFrom(seed);
      const [object, other] = [decoded(rt, random), decoded(rt, random)];
      if (object === undefined || other === undefined) return;
      for (const each of [object, other]) {
        each.metadata.uid = 'u';
        each.metadata.name ??= '';
        applyDefaults(rt, each);
      }
      prepareForCreate(rt, object);
      for (const error of validate(rt, object)) assert.equal(typeof error.field, 'string');
      tableOf(rt, [object], { nowMs: 0 });
      fieldsOf(rt, object);
      planDeletion(rt, object, {}, 0);
      for (const subresource of [undefined, ...rt.subresources.map(({ name }) => name)]) {
        const update = structuredClone(other);
        prepareForUpdate(rt, update, object, subresource);
        validate(rt, update, object, subresource);
      }
      tableOf(rt, [other], { nowMs: 0 });
    }),
    { numRuns: 800 },
  );
});
