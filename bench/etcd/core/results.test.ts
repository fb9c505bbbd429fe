import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Results } from './results.ts';
import { renderResult } from './table.ts';

function measured(ours: readonly number[], etcd: readonly number[]): Results {
  const results = new Results();
  for (const value of ours)
    results.record('put-1-64', 'etcd-lite', { value, cpuMicros: 30, foreignCores: 0.1 });
  for (const value of etcd) results.record('put-1-64', 'etcd', { value, cpuMicros: 60, foreignCores: 0.05 });
  return results;
}

suite('results', () => {
  test('the ratio is that of the medians', () => {
    const { ratio, text } = measured([9, 30, 31], [20, 10, 1]).result('put-1-64');
    assert.equal(ratio, 3);
    assert.equal(text, 'target reached');
  });

  test("the worst round's foreign load is told", () => {
    const results = measured([30], [10]);
    results.record('put-1-64', 'etcd', { value: 10, foreignCores: 0.7 });
    assert.equal(results.result('put-1-64').foreignCores, 0.7);
    assert.match(renderResult(results.result('put-1-64')), /0\.7! /);
  });

  test('one side alone is not measured', () => {
    assert.equal(measured([30], []).result('put-1-64').verdict, 'not measured');
  });

  test('what was skipped is not measured, with the reason', () => {
    const results = new Results();
    results.skip('put-tls', 'no OpenSSL');
    assert.equal(results.result('put-tls').text, 'not measured: no OpenSSL');
  });

  test('a failure counts, whatever was measured before it', () => {
    const results = measured([30], [10]);
    results.fail('put-1-64', 'status 14');
    assert.deepEqual(results.result('put-1-64'), {
      id: 'put-1-64',
      verdict: 'failed',
      text: 'failed: status 14',
    });
  });

  test("an absolute figure is judged by our own value, and etcd's stands beside it", () => {
    const results = new Results();
    results.record('defrag-max', 'etcd-lite', { value: 15 });
    results.record('defrag-max', 'etcd', { value: 3 });
    const { ratio, verdict } = results.result('defrag-max');
    assert.deepEqual({ ratio, verdict }, { ratio: 5, verdict: 'target' });
  });

  test('a row names goal, both values, ratio, limits, CPU and verdict', () => {
    const line = renderResult(measured([1300], [1000]).result('put-1-64'));
    assert.match(
      line,
      /^G1 +put, 1 member, 64 clients +1300 \/s +1000 \/s +1\.3 +≥1\.3 +≥2 +30 \/ 60 +0\.1 +floor reached$/,
    );
  });
});
