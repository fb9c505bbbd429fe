import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findResource, kindFor, resources, storageKey, storageRange } from '../scheme.ts';
import { aggregatedDiscovery, apiGroup, apiGroupList, apiResourceList } from './index.ts';

interface Discovery {
  apiVersion: string;
  items: { metadata: { name?: string }; versions: { version: string; resources: Entry[] }[] }[];
}
interface Entry {
  resource: string;
  responseKind: object;
  scope: string;
  singularResource: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  subresources?: { subresource: string; responseKind: object; verbs: string[] }[];
}

function entriesOf(door: 'core' | 'apis'): Entry[] {
  const { items } = aggregatedDiscovery(door, 'v2') as Discovery;
  return items.flatMap((item) => item.versions.flatMap((v) => v.resources));
}

describe('aggregated discovery', () => {
  test('core has no name, and says of pods all that kubectl needs', () => {
    const core = aggregatedDiscovery('core', 'v2beta1') as Discovery;
    assert.equal(core.apiVersion, 'apidiscovery.k8s.io/v2beta1');
    assert.deepEqual(
      core.items.map((item) => item.metadata),
      [{}],
    );
    const { subresources, ...pods } = entriesOf('core').find((e) => e.resource === 'pods') ?? {
      subresources: [],
    };
    assert.deepEqual(pods, {
      resource: 'pods',
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      scope: 'Namespaced',
      singularResource: 'pod',
      verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
      shortNames: ['po'],
      categories: ['all'],
    });
    const eviction = { group: 'policy', version: 'v1', kind: 'Eviction' };
    assert.deepEqual(
      subresources?.find((s) => s.subresource === 'eviction'),
      { subresource: 'eviction', responseKind: eviction, verbs: ['create'] },
    );
  });

  test('kubectl get all means upstream’s ten kinds', () => {
    const all = [...entriesOf('core'), ...entriesOf('apis')].filter((e) => e.categories?.includes('all'));
    assert.deepEqual(all.map((e) => e.resource).sort(), [
      'cronjobs',
      'daemonsets',
      'deployments',
      'horizontalpodautoscalers',
      'jobs',
      'pods',
      'replicasets',
      'replicationcontrollers',
      'services',
      'statefulsets',
    ]);
  });

  test('no two resources share a short name', () => {
    const names = [...entriesOf('core'), ...entriesOf('apis')].flatMap((e) => e.shortNames ?? []);
    assert.equal(new Set(names).size, names.length);
  });
});

describe('the older lists', () => {
  test('groups come in upstream’s order, with a preferred version', () => {
    const { groups } = apiGroupList() as { groups: { name: string; preferredVersion: object }[] };
    assert.deepEqual(groups[0], {
      name: 'apps',
      versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
    });
    assert.equal(new Set(groups.map((g) => g.name)).size, groups.length);
  });

  test('a group answers for itself, and an unknown one does not', () => {
    assert.deepEqual(apiGroup('policy'), {
      kind: 'APIGroup',
      apiVersion: 'v1',
      name: 'policy',
      versions: [{ groupVersion: 'policy/v1', version: 'v1' }],
      preferredVersion: { groupVersion: 'policy/v1', version: 'v1' },
    });
    assert.equal(apiGroup('example.com'), undefined);
    assert.equal(apiResourceList('policy/v1beta1'), undefined);
  });

  test('v1 lists pods/eviction with its own group, which drain looks for', () => {
    const { resources: rows } = apiResourceList('v1') as { resources: { name: string }[] };
    assert.deepEqual(
      rows.find((r) => r.name === 'pods/eviction'),
      {
        name: 'pods/eviction',
        singularName: '',
        namespaced: true,
        group: 'policy',
        version: 'v1',
        kind: 'Eviction',
        verbs: ['create'],
      },
    );
    assert.ok(rows.some((r) => r.name === 'pods/exec'));
  });
});

describe('the scheme', () => {
  test('finds each resource by its path and by its kind', () => {
    for (const r of resources) {
      assert.equal(findResource(r.group, r.version, r.resource), r);
      assert.equal(kindFor(r.apiVersion, r.kind), r);
    }
  });

  const keys: [gvr: [string, string, string], namespace: string | undefined, name: string, key: string][] = [
    [['', 'v1', 'pods'], 'default', 'web', '/registry/pods/default/web'],
    [['', 'v1', 'services'], 'default', 'web', '/registry/services/specs/default/web'],
    [['', 'v1', 'endpoints'], 'default', 'web', '/registry/services/endpoints/default/web'],
    [['', 'v1', 'nodes'], undefined, 'node-1', '/registry/minions/node-1'],
    [['', 'v1', 'replicationcontrollers'], 'a', 'b', '/registry/controllers/a/b'],
    [['networking.k8s.io', 'v1', 'ingresses'], 'a', 'b', '/registry/ingress/a/b'],
    [['apps', 'v1', 'deployments'], 'a', 'b', '/registry/deployments/a/b'],
    [['coordination.k8s.io', 'v1', 'leases'], 'a', 'b', '/registry/leases/a/b'],
    [['rbac.authorization.k8s.io', 'v1', 'clusterroles'], undefined, 'b', '/registry/clusterroles/b'],
  ];
  for (const [gvr, namespace, name, key] of keys) {
    test(`keeps ${gvr[2]} under upstream's key ${key}`, () => {
      const resource = findResource(...gvr);
      assert.ok(resource);
      assert.equal(storageKey(resource, namespace, name), key);
      assert.ok(key.startsWith(storageRange(resource, namespace)));
      assert.ok(key.startsWith(storageRange(resource)));
    });
  }

  test('no two stored resources share a key prefix', () => {
    const ranges = resources.filter((r) => r.isStored).map((r) => storageRange(r));
    for (const a of ranges)
      assert.deepEqual(
        ranges.filter((b) => b.startsWith(a)),
        [a],
      );
  });
});
