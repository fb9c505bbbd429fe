import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  addQuantities,
  bytesOf,
  canonicalQuantity,
  compareQuantities,
  cpuMillis,
  formatQuantity,
  isQuantity,
  parseQuantity,
  quantityOfBytes,
  quantityOfMillis,
  subtractQuantities,
} from './quantity.ts';

test('canonical text follows the suffix family it was written in', () => {
  const cases: [given: string | number, want: string][] = [
    ['0', '0'],
    ['0Gi', '0'],
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1500m', '1500m'],
    ['1.5Gi', '1536Mi'],
    ['1024Mi', '1Gi'],
    ['1023', '1023'],
    ['1000Ki', '1000Ki'],
    ['1Ki', '1Ki'],
    ['512', '512'],
    ['0.5Ki', '512'],
    ['0.0001Ki', '102400u'],
    ['12e6', '12e6'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['1E', '1E'],
    ['1000E', '1e21'],
    ['0.9n', '1n'],
    ['-0.9n', '-1n'],
    ['-250m', '-250m'],
    ['+1', '1'],
    ['1.', '1'],
    ['.5', '500m'],
    ['1.2345', '1234500u'],
    ['18446744073709551616', '18446744073709551616'],
    ['8Ei', '9223372036854775807'],
    [2, '2'],
    [0.1, '100m'],
  ];
  for (const [given, want] of cases) assert.equal(canonicalQuantity(given), want, `${given}`);
});

test('what is no quantity is refused', () => {
  for (const text of [
    '',
    ' ',
    '.',
    'm',
    '1x',
    '1 Gi',
    '1KiB',
    '1e',
    '--1',
    '1e99999999',
    'Infinity',
    '0x10',
    '1.2.3',
  ]) {
    assert.equal(isQuantity(text), false, JSON.stringify(text));
  }
});

test('amounts in the units components count in', () => {
  assert.equal(cpuMillis('250m'), 250);
  assert.equal(cpuMillis('1'), 1000);
  assert.equal(cpuMillis('1n'), 1);
  assert.equal(bytesOf('1.5Gi'), 1_610_612_736);
  assert.equal(bytesOf('1500m'), 2);
  assert.equal(quantityOfMillis(1500), '1500m');
  assert.equal(quantityOfBytes(1_073_741_824), '1Gi');
});

test('sums keep the format of the first that is not zero', () => {
  assert.equal(addQuantities('0', '1Gi'), '1Gi');
  assert.equal(addQuantities('512Mi', '0.5Gi'), '1Gi');
  assert.equal(addQuantities('250m', '750m'), '1');
  assert.equal(subtractQuantities('1Gi', '1Mi'), '1023Mi');
});

const suffix = fc.constantFrom('', 'm', 'u', 'n', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'E-3');
const text = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.nat(1_000_000),
    fc.option(fc.nat(99_999), { nil: undefined }),
    suffix,
  )
  .map(
    ([sign, whole, fraction, unit]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${unit}`,
  );

test('QTY-1 canonical text parses back to the same amount and is its own canonical text', () => {
  fc.assert(
    fc.property(text, (given) => {
      const canonical = canonicalQuantity(given);
      assert.equal(parseQuantity(canonical).nanos, parseQuantity(given).nanos);
      assert.equal(canonicalQuantity(canonical), canonical);
      assert.doesNotMatch(canonical, /[.+]/);
    }),
  );
});

test('QTY-2 arithmetic is exact: adding and taking away again gives the same amount', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(compareQuantities(subtractQuantities(addQuantities(a, b), b), a), 0);
      assert.equal(
        addQuantities(a, b) === addQuantities(b, a) ||
          compareQuantities(addQuantities(a, b), addQuantities(b, a)) === 0,
        true,
      );
    }),
  );
});

test('any amount prints in every format without loss', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 80n), 2n ** 80n), (nanos) => {
      for (const format of ['DecimalSI', 'DecimalExponent'] as const) {
        assert.equal(parseQuantity(formatQuantity({ nanos, format })).nanos, nanos);
      }
    }),
  );
});
