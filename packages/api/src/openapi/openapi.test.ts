import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resources } from '../scheme.ts';
import { commentsIn } from './descriptions.ts';
import { openapiV3, openapiV3Index } from './index.ts';

interface Operation {
  parameters: { name: string; in: string }[];
  'x-kubernetes-group-version-kind': { group: string; version: string; kind: string };
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, object> } & Record<string, unknown>> };
}

const index = openapiV3Index();
const documents = Object.keys(index.paths).map(
  (path) => [path, openapiV3(path) as unknown as Document] as const,
);

describe('the OpenAPI v3 index', () => {
  test('names every served group version once, with a hash that stays the same', () => {
    const want = new Set(resources.map((r) => (r.group === '' ? 'api/v1' : `apis/${r.apiVersion}`)));
    assert.deepEqual(new Set(Object.keys(index.paths)), want);
    for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
      assert.match(serverRelativeURL, new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]{128}$`));
    }
    assert.deepEqual(openapiV3Index(), index);
    assert.equal(new Set(Object.values(index.paths).map((p) => p.serverRelativeURL)).size, want.size);
  });

  test('there is no document of what is not served', () => {
    assert.equal(openapiV3('apis/apps/v1beta1'), undefined);
  });
});

describe('an OpenAPI v3 document', () => {
  for (const [path, document] of documents) {
    test(`${path} refers to nothing that it does not define`, () => {
      for (const [, target = ''] of JSON.stringify(document).matchAll(
        /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
      )) {
        assert.ok(target in document.components.schemas, target);
      }
    });

    test(`${path} tells kubectl that every kind that can be patched is validated by the server`, () => {
      const patched = Object.values(document.paths).flatMap((item) => item['patch'] ?? []);
      for (const operation of patched) {
        assert.ok(operation.parameters.some((p) => p.name === 'fieldValidation' && p.in === 'query'));
      }
      const kinds = new Set(patched.map((operation) => operation['x-kubernetes-group-version-kind'].kind));
      const served = resources.filter((r) => (r.group === '' ? 'api/v1' : `apis/${r.apiVersion}`) === path);
      for (const r of served) if (r.verbs.includes('patch')) assert.ok(kinds.has(r.kind), r.kind);
    });
  }

  test('carries what explain prints', () => {
    const [, core] = documents.find(([path]) => path === 'api/v1') ?? [];
    const pod = core?.components.schemas['io.k8s.api.core.v1.Pod'];
    assert.deepEqual(pod?.['x-kubernetes-group-version-kind'], [{ group: '', version: 'v1', kind: 'Pod' }]);
    assert.match(
      JSON.stringify(pod?.properties?.['spec']),
      /"description":".+","allOf":\[\{"\$ref":"[^"]+PodSpec"\}\]/,
    );
    const containers = core?.components.schemas['io.k8s.api.core.v1.PodSpec']?.properties?.['containers'];
    assert.match(JSON.stringify(containers), /"x-kubernetes-patch-merge-key":"name"/);
  });
});

test('doc comments are found by interface and field, several lines and quoted names included', () => {
  const source = `/** A thing. */
export interface Thing {
    /** One line. */
    readonly a?: string;
    /**
     * First.
     *
     * Second.
     */
    'b-c': number;
}
/** Another. */
export type Other = string;
`;
  assert.deepEqual(Object.fromEntries(commentsIn(source)), {
    Thing: 'A thing.',
    'Thing.a': 'One line.',
    'Thing.b-c': 'First.\n\nSecond.',
    Other: 'Another.',
  });
});
