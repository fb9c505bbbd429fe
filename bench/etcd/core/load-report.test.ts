import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cpuMicros, foreignCores, parseReport } from './load-report.ts';

const LINE =
  '{"mode":"put","seconds":2.0,"cpuSeconds":{"servers":1.5,"client":0.5,"machine":2.40},"operations":1000,' +
  '"items":1000,"conflicts":0,"latencyNs":{"mean":400000,"p50":350000,"p99":1200000,"max":9000000},"writes":0}';

suite('load report', () => {
  test('latencies come in milliseconds', () => {
    assert.deepEqual(parseReport(LINE).latency, { mean: 0.4, p50: 0.35, p99: 1.2, max: 9 });
  });

  test('what a mode does not say is 0', () => {
    const { outageSeconds, answeredAtMs, writeLatency } = parseReport(LINE);
    assert.deepEqual(
      { outageSeconds, answeredAtMs, max: writeLatency.max },
      { outageSeconds: 0, answeredAtMs: 0, max: 0 },
    );
  });

  test('outages come in seconds, moments in milliseconds', () => {
    const report = parseReport(LINE.replace('"writes":0', '"outageNs":1500000000,"answeredAtNs":2500000'));
    assert.equal(report.outageSeconds, 1.5);
    assert.equal(report.answeredAtMs, 2.5);
  });

  test("CPU per operation is the servers' alone; foreign is what neither servers nor client used", () => {
    const report = parseReport(LINE);
    assert.equal(cpuMicros(report), 1500);
    assert.ok(Math.abs(foreignCores(report) - 0.2) < 1e-9);
  });

  test('the machine counts in coarser steps than the processes: less than nothing is nothing', () => {
    assert.equal(foreignCores(parseReport(LINE.replace('2.40', '1.99'))), 0);
  });

  for (const [what, line] of [
    ['no JSON', 'etcd-load: lost'],
    ['no object', '7'],
    ['no time', LINE.replace('"seconds":2.0,', '')],
    ['a text for a number', LINE.replace('"operations":1000', '"operations":"1000"')],
    ['no CPU', LINE.replace(/"cpuSeconds":\{.*?\},/, '')],
  ] as const) {
    test(`a line with ${what} is refused`, () => {
      assert.throws(() => parseReport(line), /JSON|is no/);
    });
  }
});
