import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodDisruptionBudget } from '@kubelab/api';
import { budgetStatus } from './plan.ts';

const pod = (name: string, status: string): Pod => ({
  metadata: { name, namespace: 'default', uid: name, resourceVersion: '1', creationTimestamp: '' },
  spec: { containers: [] },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status }] },
});

const cases: [
  spec: PodDisruptionBudget['spec'],
  ready: number,
  expected: number,
  want: [desired: number, allowed: number],
][] = [
  [{ minAvailable: 2 }, 3, 3, [2, 1]],
  [{ minAvailable: '50%' }, 3, 3, [2, 1]],
  [{ minAvailable: '50%' }, 3, 10, [5, 0]],
  [{ maxUnavailable: 1 }, 3, 3, [2, 1]],
  [{ maxUnavailable: 1 }, 2, 3, [2, 0]],
  [{ maxUnavailable: '40%' }, 5, 5, [3, 2]],
  [{ maxUnavailable: 0 }, 3, 3, [3, 0]],
  [{ minAvailable: 1 }, 0, 0, [1, 0]],
];
for (const [spec, ready, expectedCount, [desiredHealthy, disruptionsAllowed]] of cases) {
  test(`PDB-1 ${JSON.stringify(spec)} with ${ready} ready of ${expectedCount} allows ${disruptionsAllowed}`, () => {
    const metadata = {
      name: 'b',
      namespace: 'default',
      uid: 'b',
      resourceVersion: '1',
      creationTimestamp: '',
    };
    const pods = Array.from({ length: 5 }, (_, i) => pod(`p${i}`, i < ready ? 'True' : 'False')).slice(
      0,
      Math.max(ready, 1),
    );
    const status = budgetStatus({
      budget: { metadata, spec },
      pods,
      expectedCount,
      nowMs: 0,
      nowText: '1970-01-01T00:00:00Z',
    });
    assert.deepEqual(
      [status.desiredHealthy, status.disruptionsAllowed],
      [desiredHealthy, disruptionsAllowed],
    );
  });
}

test('PDB-1 an eviction that was granted and is not seen yet is not granted again', () => {
  const metadata = { name: 'b', namespace: 'default', uid: 'b', resourceVersion: '1', creationTimestamp: '' };
  const budget = {
    metadata,
    spec: { minAvailable: 2 },
    status: { disruptedPods: { p0: '1970-01-01T00:00:00Z', gone: '1970-01-01T00:00:00Z' } },
  };
  const pods = ['p0', 'p1', 'p2'].map((name) => pod(name, 'True'));
  const at = (nowMs: number) => budgetStatus({ budget, pods, expectedCount: 3, nowMs, nowText: '' });
  assert.equal(at(1_000).disruptionsAllowed, 0);
  assert.deepEqual(Object.keys(at(1_000).disruptedPods ?? {}), ['p0']);
  assert.equal(at(121_000).disruptionsAllowed, 1);
});
