import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeClock } from '@kubelab/component-base/testing';
import { EtcdError } from '../core/errors.ts';
import { Histogram } from '../core/histogram.ts';
import { CallCounts, counted } from './call-counts.ts';
import { counter, histogram } from './metrics/family.ts';

suite('counting', () => {
  test('calls are counted by how they end, and answered untouched', async () => {
    const clock = new FakeClock();
    const counts = new CallCounts('unary', true);
    const answers = [() => 1, () => Promise.resolve(2), () => Promise.reject(new EtcdError('noLeader'))];
    const call = counted((at: number) => answers[at]?.(), counts, clock);
    assert.equal(call(0), 1);
    const pending = call(1);
    assert.equal(counts.running, 1);
    await clock.advance(30);
    assert.equal(await pending, 2);
    await assert.rejects(Promise.resolve(call(2)), /no leader/);
    assert.equal(counts.started, 3);
    assert.deepEqual({ ok: counts.handled[0], unavailable: counts.handled[14] }, { ok: 2, unavailable: 1 });
    assert.equal(counts.seconds?.count, 3);
  });

  test('a histogram shows how many were at most as large as each bound', () => {
    const sizes = Histogram.exponential(1, 2, 3);
    for (const size of [0.5, 1, 3, 100]) sizes.observe(size);
    const samples = histogram('sizes', '', () => [[{ of: 'x' }, sizes]]).read();
    assert.deepEqual(
      samples.map(({ value, labels, metricName }) => [metricName, labels?.['le'], value]),
      [
        ['sizes_bucket', '1', 2],
        ['sizes_bucket', '2', 2],
        ['sizes_bucket', '4', 3],
        ['sizes_bucket', '+Inf', 4],
        ['sizes_sum', undefined, 104.5],
        ['sizes_count', undefined, 4],
      ],
    );
    assert.deepEqual(counter('c', '', () => 7).read(), [{ value: 7 }]);
  });
});
