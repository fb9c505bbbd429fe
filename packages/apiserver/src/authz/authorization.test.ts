import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asNode, Harness, pod } from '../testing/harness.ts';

let api: Harness;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

before(async () => {
  api = await Harness.start();
  for (const name of ['a', 'b']) await api.namespace(name);
});
after(() => api.stop());

async function may(
  user: string,
  verb: string,
  resource: string,
  namespace = '',
  group = '',
): Promise<boolean> {
  const spec = { user, resourceAttributes: { verb, resource, namespace, group } };
  return (await api.ask('POST /apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec } })).json
    .status.allowed;
}

test('S2 a role counts in its namespace only, a cluster role binding everywhere', async () => {
  await api.make(`${RBAC}/namespaces/a/rolebindings`, binding('RoleBinding', 'view-a', 'view', 'vera'));
  assert.deepEqual(
    [
      await may('vera', 'get', 'pods', 'a'),
      await may('vera', 'get', 'pods', 'b'),
      await may('vera', 'get', 'secrets', 'a'),
    ],
    [true, false, false],
  );
  await api.make(`${RBAC}/clusterrolebindings`, binding('ClusterRoleBinding', 'edit-all', 'edit', 'ed'));
  assert.deepEqual(
    [
      await may('ed', 'create', 'deployments', 'b', 'apps'),
      await may('ed', 'create', 'rolebindings', 'b', 'rbac.authorization.k8s.io'),
    ],
    [true, false],
  );
});

test('S2 a role labelled for aggregation is part of view at once', async () => {
  await api.make(`${RBAC}/namespaces/a/rolebindings`, binding('RoleBinding', 'view-agg', 'view', 'agnes'));
  assert.equal(await may('agnes', 'get', 'widgets', 'a', 'example.com'), false);
  const labels = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const rules = [{ apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] }];
  await api.make(`${RBAC}/clusterroles`, { metadata: { name: 'widget-viewer', labels }, rules });
  assert.equal(await may('agnes', 'get', 'widgets', 'a', 'example.com'), true);
});

test('S2 nobody writes or binds a role with more than they have', async () => {
  await api.make(`${RBAC}/clusterroles`, {
    metadata: { name: 'role-writer' },
    rules: [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['*'] }],
  });
  await api.make(`${RBAC}/namespaces/a/rolebindings`, binding('RoleBinding', 'rita', 'role-writer', 'rita'));
  const as = 'rita';
  const secretReader = {
    metadata: { name: 'secret-reader' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }],
  };
  // roles/* with verb * holds escalate and bind, too: take them away by naming the verbs.
  await api.ask(`PATCH ${RBAC}/clusterroles/role-writer`, {
    body: {
      rules: [
        {
          apiGroups: ['rbac.authorization.k8s.io'],
          resources: ['roles', 'rolebindings'],
          verbs: ['get', 'create', 'update', 'patch'],
        },
      ],
    },
    type: 'application/merge-patch+json',
  });
  const refused = await api.ask(`POST ${RBAC}/namespaces/a/roles`, { as, body: secretReader });
  assert.equal(refused.code, 403);
  assert.match(
    refused.json.message,
    /is attempting to grant RBAC permissions not currently held:\n\{APIGroups:\["\S*"\], Resources:\["\w+"\], Verbs:\["\w+"/,
  );
  const bound = await api.ask(`POST ${RBAC}/namespaces/a/rolebindings`, {
    as,
    body: binding('RoleBinding', 'self', 'cluster-admin', 'rita'),
  });
  assert.equal(bound.code, 403);
  const own = {
    metadata: { name: 'same' },
    rules: [{ apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['get'] }],
  };
  assert.equal((await api.ask(`POST ${RBAC}/namespaces/a/roles`, { as, body: own })).code, 201);
  const widened = await api.ask(`PATCH ${RBAC}/namespaces/a/roles/same`, {
    as,
    body: { rules: secretReader.rules },
    type: 'application/merge-patch+json',
  });
  assert.equal(widened.code, 403);
});

test('S2 kubectl auth can-i --list shows the rules that count', async () => {
  const review = await api.ask('POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews', {
    as: 'vera',
    body: { spec: { namespace: 'a' } },
  });
  assert.ok(
    review.json.status.resourceRules.some((rule: { resources: string[] }) =>
      rule.resources.includes('pods/log'),
    ),
  );
});

function binding(kind: string, name: string, role: string, user: string): object {
  const apiGroup = 'rbac.authorization.k8s.io';
  return {
    kind,
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup, kind: 'User', name: user }],
  };
}

test('S4 a kubelet touches only what belongs to its own node', async (t) => {
  const volumes = [
    { name: 's', secret: { secretName: 'mine' } },
    { name: 'c', configMap: { name: 'mine' } },
    { name: 'd', persistentVolumeClaim: { claimName: 'mine' } },
  ];
  const mine = await api.make('/api/v1/namespaces/a/pods', pod('mine', { nodeName: 'node-1', volumes }));
  const theirs = await api.make(
    '/api/v1/namespaces/a/pods',
    pod('theirs', { nodeName: 'node-2', volumes: [{ name: 's', secret: { secretName: 'theirs' } }] }),
  );
  for (const name of ['mine', 'theirs', 'unrelated']) {
    await api.make('/api/v1/namespaces/a/secrets', { metadata: { name } });
    await api.make('/api/v1/namespaces/a/configmaps', { metadata: { name } });
  }
  for (const name of ['node-1', 'node-2'])
    await api.make('/api/v1/nodes', { metadata: { name } }, { as: asNode(name) });
  const report = (made: { status: object }, phase = 'Running') => ({
    ...made,
    status: { ...made.status, phase },
  });
  const lease = (name: string) => ({
    metadata: { name },
    spec: { holderIdentity: name, leaseDurationSeconds: 40 },
  });
  const mirror = (name: string, spec: object = {}) =>
    pod(name, { nodeName: 'node-1', ...spec }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const tokenFor = (made: { metadata: { name: string; uid: string } }, uid = made.metadata.uid) => ({
    spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: made.metadata.name, uid } },
  });
  const merge = 'application/merge-patch+json';
  const cells: [string, string, object | undefined, number][] = [
    ['reads a secret its pod uses', 'GET /api/v1/namespaces/a/secrets/mine', undefined, 200],
    ["reads a secret of another node's pod", 'GET /api/v1/namespaces/a/secrets/theirs', undefined, 403],
    ['reads a secret of nobody', 'GET /api/v1/namespaces/a/secrets/unrelated', undefined, 403],
    ['lists secrets', 'GET /api/v1/namespaces/a/secrets', undefined, 403],
    ['lists all secrets', 'GET /api/v1/secrets', undefined, 403],
    [
      'lists one of its secrets by name',
      'GET /api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dmine',
      undefined,
      200,
    ],
    [
      'writes a secret of its own',
      'PUT /api/v1/namespaces/a/secrets/mine',
      { metadata: { name: 'mine' } },
      403,
    ],
    ['reads a secret of that name elsewhere', 'GET /api/v1/namespaces/b/secrets/mine', undefined, 403],
    ['reads a config map its pod uses', 'GET /api/v1/namespaces/a/configmaps/mine', undefined, 200],
    ["reads another's config map", 'GET /api/v1/namespaces/a/configmaps/theirs', undefined, 403],
    [
      "reads its pod's claim, which is not there",
      'GET /api/v1/namespaces/a/persistentvolumeclaims/mine',
      undefined,
      404,
    ],
    ["reads another's claim", 'GET /api/v1/namespaces/a/persistentvolumeclaims/theirs', undefined, 403],
    ['lists its pods', 'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1', undefined, 200],
    ["lists another's pods", 'GET /api/v1/pods?fieldSelector=spec.nodeName%3Dnode-2', undefined, 403],
    ['lists all pods', 'GET /api/v1/pods', undefined, 403],
    ['reads its pod', 'GET /api/v1/namespaces/a/pods/mine', undefined, 200],
    ["reads another's pod", 'GET /api/v1/namespaces/a/pods/theirs', undefined, 403],
    ['reports on its pod', 'PUT /api/v1/namespaces/a/pods/mine/status', report(mine), 200],
    ["reports on another's pod", 'PUT /api/v1/namespaces/a/pods/theirs/status', report(theirs), 403],
    ['changes its pod', 'PATCH /api/v1/namespaces/a/pods/mine', { metadata: { labels: { a: 'b' } } }, 403],
    ["deletes another's pod", 'DELETE /api/v1/namespaces/a/pods/theirs', undefined, 403],
    [
      "evicts another's pod",
      'POST /api/v1/namespaces/a/pods/theirs/eviction',
      { metadata: { name: 'theirs' } },
      403,
    ],
    ['binds a pod', 'POST /api/v1/namespaces/a/pods/mine/binding', { target: { name: 'node-1' } }, 403],
    ['creates a pod', 'POST /api/v1/namespaces/a/pods', pod('x', { nodeName: 'node-1' }), 403],
    ['creates a mirror pod', 'POST /api/v1/namespaces/a/pods', mirror('m1'), 201],
    [
      'creates a mirror pod on another node',
      'POST /api/v1/namespaces/a/pods',
      mirror('m2', { nodeName: 'node-2' }),
      403,
    ],
    ['creates a mirror pod with a secret', 'POST /api/v1/namespaces/a/pods', mirror('m3', { volumes }), 403],
    [
      'creates a mirror pod with an account',
      'POST /api/v1/namespaces/a/pods',
      mirror('m4', { serviceAccountName: 'default' }),
      403,
    ],
    [
      'takes a token for its pod',
      'POST /api/v1/namespaces/a/serviceaccounts/default/token',
      tokenFor(mine),
      201,
    ],
    [
      "takes a token for another's pod",
      'POST /api/v1/namespaces/a/serviceaccounts/default/token',
      tokenFor(theirs),
      403,
    ],
    [
      'takes a token for a pod by a wrong uid',
      'POST /api/v1/namespaces/a/serviceaccounts/default/token',
      tokenFor(mine, 'x'),
      403,
    ],
    [
      'takes a token bound to nothing',
      'POST /api/v1/namespaces/a/serviceaccounts/default/token',
      { spec: {} },
      403,
    ],
    [
      'takes a token of an account nobody uses',
      'POST /api/v1/namespaces/b/serviceaccounts/default/token',
      tokenFor(mine),
      403,
    ],
    ['reads its node', 'GET /api/v1/nodes/node-1', undefined, 200],
    ['reports on its node', 'PATCH /api/v1/nodes/node-1/status', { status: { phase: 'Running' } }, 200],
    ['reports on another node', 'PATCH /api/v1/nodes/node-2/status', { status: { phase: 'Running' } }, 403],
    [
      'labels its node',
      'PATCH /api/v1/nodes/node-1',
      { metadata: { labels: { 'example.com/a': 'b' } } },
      200,
    ],
    [
      'gives its node a role',
      'PATCH /api/v1/nodes/node-1',
      { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } },
      403,
    ],
    [
      'sets a protected label',
      'PATCH /api/v1/nodes/node-1',
      { metadata: { labels: { 'node-restriction.kubernetes.io/a': 'b' } } },
      403,
    ],
    [
      'takes the taints off its node',
      'PATCH /api/v1/nodes/node-1',
      { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      403,
    ],
    ['changes another node', 'PATCH /api/v1/nodes/node-2', { metadata: { labels: { a: 'b' } } }, 403],
    ['deletes its node', 'DELETE /api/v1/nodes/node-1', undefined, 403],
    ['makes another node', 'POST /api/v1/nodes', { metadata: { name: 'node-3' } }, 403],
    ['makes its lease', `POST ${leases}`, lease('node-1'), 201],
    ["makes another's lease", `POST ${leases}`, lease('node-2'), 403],
    ["reads another's lease", `GET ${leases}/node-2`, undefined, 403],
    [
      'makes a lease elsewhere',
      'POST /apis/coordination.k8s.io/v1/namespaces/a/leases',
      lease('node-1'),
      403,
    ],
    ['reads services', 'GET /api/v1/services', undefined, 200],
    ['reads roles', `GET ${RBAC}/clusterroles`, undefined, 403],
    ['reads deployments', 'GET /apis/apps/v1/deployments', undefined, 403],
    [
      'writes an event',
      'POST /api/v1/namespaces/a/events',
      { metadata: { name: 'e' }, involvedObject: { namespace: 'a', name: 'mine' }, reason: 'Started' },
      201,
    ],
    ['execs into its pod', 'POST /api/v1/namespaces/a/pods/mine/exec', undefined, 403],
    ['impersonates', 'GET /api/v1/namespaces/a', undefined, 403],
  ];
  for (const [what, line, body, code] of cells) {
    await t.test(`S4 a kubelet that ${what} gets ${code}`, async () => {
      const type = line.startsWith('PATCH') ? merge : undefined;
      const answer = await api.ask(line, {
        as: asNode('node-1'),
        ...(body === undefined ? {} : { body }),
        ...(type === undefined ? {} : { type }),
      });
      assert.equal(answer.code, code, answer.text);
    });
  }
});

test('S4 neither the name without the group nor the group without the name makes a kubelet', async () => {
  for (const as of [
    'system:node:node-1',
    { name: 'node-1', groups: ['system:nodes'] },
    { name: 'system:node:', groups: ['system:nodes'] },
  ]) {
    assert.equal((await api.ask('GET /api/v1/nodes/node-1', { as })).code, 403);
  }
});
