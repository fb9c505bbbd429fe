import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventCorrelator } from './correlate.ts';

function judge(correlator: EventCorrelator, name: string) {
  const about = { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name, uid: name, resourceVersion: '1' };
  return correlator.judge({ about, type: 'Normal', reason: 'Started', message: 'started', nowMs: 0 });
}

test('EVT-4 of more than a thousand objects the longest unused are forgotten first', () => {
  const correlator = new EventCorrelator();
  const raise = (name: string) => {
    const verdict = judge(correlator, name);
    if (verdict.action === 'create') correlator.remember(verdict.key, { name, namespace: 'ns', count: 1 });
    return verdict.action;
  };
  for (let i = 0; i < 1024; i++) assert.equal(raise(`pod-${i}`), 'create');
  assert.equal(raise('pod-0'), 'count', 'used again: young again');
  assert.equal(raise('one-more'), 'create');
  assert.equal(raise('pod-0'), 'count');
  assert.equal(raise('pod-1'), 'create', 'the oldest is forgotten');
});
