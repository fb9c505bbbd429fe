/**
 * OpenAPI v2: one document with the definitions of everything. kubectl checks with it what it cannot leave to
 * the server: a `List` in a file, and a kind that no group version here has. Which operation takes which
 * parameter stands in the v3 documents only.
 */
import type { Descriptions } from './descriptions.ts';
import { type Json, schemasFor } from './schemas.ts';

/** `swagger: "2.0"`; `names` are those of the definitions that operations name. */
export function documentV2(names: Iterable<string>, version: string, descriptions: Descriptions): Json {
  const definitions = Object.entries(schemasFor(names, descriptions)).map(
    ([id, schema]): [string, unknown] => [
      id,
      SCALARS[id] === undefined ? inV2(schema) : { ...(schema as Json), ...SCALARS[id], oneOf: undefined },
    ],
  );
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths: {},
    definitions: Object.fromEntries(definitions),
  };
}

/** v2 has no `oneOf`: what may be a number too is a string there. */
const SCALARS: Readonly<Record<string, Json>> = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': { type: 'string' },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { type: 'string' },
};

const V3_REF = '#/components/schemas/';

/** References are named otherwise, and a description stands beside a bare one. */
function inV2(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inV2);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] => {
      if (key === 'allOf' && Array.isArray(inner)) return Object.entries(inV2(inner[0]) as Json);
      if (key === '$ref' && typeof inner === 'string')
        return [[key, inner.replace(V3_REF, '#/definitions/')]];
      return [[key, inV2(inner)]];
    }),
  );
}
