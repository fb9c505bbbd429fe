import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClusterRole } from '@kubelab/api';
import { startHarness } from '../testing/harness.ts';
import { clusterRoleAggregationController } from './controller.ts';

test('an aggregated role follows the roles it selects, by name and without repeats', async (t) => {
  const label = { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' };
  const pods = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
  const jobs = { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get'] };
  const { client, quiet, stop } = await startHarness((deps) => [clusterRoleAggregationController(deps)], {
    prepare: (fake) => {
      fake.seed<ClusterRole>(
        ClusterRole,
        { metadata: { name: 'view' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: label }] } },
        { metadata: { name: 'b', labels: label }, rules: [jobs, pods] },
        { metadata: { name: 'a', labels: label }, rules: [pods] },
        { metadata: { name: 'c' }, rules: [{ ...pods, verbs: ['delete'] }] },
      );
    },
  });
  t.after(stop);
  assert.deepEqual(client.find(ClusterRole, 'view')?.rules, [pods, jobs]);
  client.removeNow(ClusterRole, 'b');
  await quiet();
  assert.deepEqual(client.find(ClusterRole, 'view')?.rules, [pods]);
});
