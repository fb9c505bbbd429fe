import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, PodSpec } from '../generated/types.ts';
import { setCondition } from './conditions.ts';
import { scaledValue } from './int-or-percent.ts';
import { objectKey, splitKey } from './object-key.ts';
import { podLimits, podQosClass, podRequests } from './pod-resources.ts';
import { semanticEqual } from './semantic-equal.ts';
import { hashOf } from './template-hash.ts';

const container = (cpu?: string, more: Partial<Container> = {}): Container => ({
  name: 'c',
  ...(cpu !== undefined && { resources: { requests: { cpu } } }),
  ...more,
});
const pod = (spec: Partial<PodSpec>) => ({ spec: { containers: [], ...spec } });

test('RES-1 a request covers the peak of running and of starting', () => {
  const sidecar = container('200m', { restartPolicy: 'Always' });
  const cases: [name: string, spec: Partial<PodSpec>, cpuMillis: number][] = [
    ['containers add up', { containers: [container('100m'), container('1')] }, 1100],
    [
      'a big init container raises',
      { containers: [container('100m')], initContainers: [container('2')] },
      2000,
    ],
    ['a small one does not', { containers: [container('3')], initContainers: [container('2')] }, 3000],
    ['sidecars run beside', { containers: [container('100m')], initContainers: [sidecar] }, 300],
    [
      'init after a sidecar',
      { containers: [container('100m')], initContainers: [sidecar, container('1')] },
      1200,
    ],
    [
      'init before a sidecar',
      { containers: [container('100m')], initContainers: [container('1'), sidecar] },
      1000,
    ],
    ['overhead is added', { containers: [container('100m')], overhead: { cpu: '50m' } }, 150],
    ['pod level wins', { containers: [container('100m')], resources: { requests: { cpu: '5' } } }, 5000],
  ];
  for (const [name, spec, want] of cases) assert.equal(podRequests(pod(spec)).cpu, want, name);
  assert.equal(podLimits(pod({ containers: [container('1')], overhead: { cpu: '1' } })).cpu, undefined);
});

test('QoS follows requests and limits of cpu and memory', () => {
  const full = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } };
  const cases: [resources: Container['resources'][], want: string][] = [
    [[undefined], 'BestEffort'],
    [[{ requests: { 'example.com/gpu': '1' } }], 'BestEffort'],
    [[full], 'Guaranteed'],
    [[{ limits: full.limits }], 'Guaranteed'],
    [[full, undefined], 'Burstable'],
    [[{ requests: { cpu: '1' } }], 'Burstable'],
    [[{ limits: full.limits, requests: { cpu: '500m', memory: '1Gi' } }], 'Burstable'],
  ];
  for (const [resources, want] of cases) {
    const containers = resources.map((r) => ({ name: 'c', resources: r }));
    assert.equal(podQosClass(pod({ containers })), want, JSON.stringify(resources));
  }
});

test('a condition keeps its transition time until its status changes', () => {
  const first = setCondition([], { type: 'Ready', status: 'True', reason: 'a' }, 't1');
  const second = setCondition(first, { type: 'Ready', status: 'True', reason: 'b' }, 't2');
  const third = setCondition(second, { type: 'Ready', status: 'False', reason: 'b' }, 't3');
  assert.deepEqual(second, [{ type: 'Ready', status: 'True', reason: 'b', lastTransitionTime: 't1' }]);
  assert.deepEqual(third, [{ type: 'Ready', status: 'False', reason: 'b', lastTransitionTime: 't3' }]);
});

test('hashes do not depend on key order, and change with the collision count', () => {
  assert.equal(hashOf({ a: 1, b: [{ c: 2, d: undefined }] }), hashOf({ b: [{ c: 2 }], a: 1 }));
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: 1 }, 1));
  assert.match(hashOf({ a: 1 }), /^[bcdfghjklmnpqrstvwxz2456789]+$/);
});

test('semantic equality ignores what is absent in one way or another', () => {
  assert.equal(semanticEqual({ a: undefined, b: [] }, {}), true);
  assert.equal(semanticEqual({ a: {} }, {}), false);
  assert.equal(semanticEqual({ a: 0 }, {}), false);
  assert.equal(semanticEqual({}, { constructor: 'x' }), false);
  assert.equal(semanticEqual({ constructor: 'x' }, {}), false);
  assert.equal(semanticEqual([1, { a: 1 }], [1, { a: 1 }]), true);
  assert.equal(semanticEqual({ a: [1] }, { a: [2] }), false);
});

test('percentages scale and round as asked', () => {
  assert.equal(scaledValue('25%', 10, 'up'), 3);
  assert.equal(scaledValue('25%', 10, 'down'), 2);
  assert.equal(scaledValue(7, 10, 'up'), 7);
  assert.equal(scaledValue('many', 10, 'up'), undefined);
});

test('keys join and split namespace and name', () => {
  assert.equal(objectKey({ metadata: { name: 'a', namespace: 'b' } }), 'b/a');
  assert.deepEqual(splitKey('b/a'), { namespace: 'b', name: 'a' });
  assert.deepEqual(splitKey('a'), { namespace: undefined, name: 'a' });
});
