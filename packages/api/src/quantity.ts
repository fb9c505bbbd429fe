/**
 * Quantities (`500m`, `1.5Gi`, `12e6`): exact to a nano-unit, as `k8s.io/apimachinery/pkg/api/resource`.
 * Invariants
 *   QTY-1  canonical text parses back to the same amount, and is its own canonical text
 *   QTY-2  arithmetic is exact: amounts are whole nano-units in a bigint, never floating point
 */

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

export interface ParsedQuantity {
  /** The amount in nano-units (10⁻⁹). */
  readonly nanos: bigint;
  /** The family of suffixes it was written with and is written back with. */
  readonly format: QuantityFormat;
}

/** Not a quantity; the message is what upstream answers. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const FORMAT_WRONG =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SHAPE = /^([+-]?)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[-+]?\d*)$/;
const TEXT_CHARACTERS_MAX = 128;
const EXPONENT_MAX = 60;

const NANOS = 1_000_000_000n;
const NANOS_PER_MILLI = 1_000_000n;
/** Binary amounts are capped here, silently, as upstream does: 2⁶³-1 units. */
const BINARY_NANOS_MAX = ((1n << 63n) - 1n) * NANOS;

const DECIMAL_EXPONENTS: Readonly<Record<string, number>> = {
  n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18,
}; // biome-ignore format: a table
const DECIMAL_SUFFIXES = new Map(Object.entries(DECIMAL_EXPONENTS).map(([suffix, exp]) => [exp, suffix]));
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Text, or a bare JSON number, to an exact amount. Throws QuantityError. */
export function parseQuantity(value: string | number): ParsedQuantity {
  const text = typeof value === 'number' ? String(value) : value;
  const match = text.length <= TEXT_CHARACTERS_MAX ? SHAPE.exec(text) : null;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match ?? [];
  if (match === null || text === '') throw new QuantityError(FORMAT_WRONG);
  if (whole === '' && fraction === '') throw new QuantityError('unable to parse numeric part of quantity');

  const digits = BigInt(whole + fraction);
  const scale = interpretSuffix(suffix);
  if (scale === undefined) throw new QuantityError("unable to parse quantity's suffix");

  let { format } = scale;
  let nanos: bigint;
  if (format === 'BinarySI') {
    nanos = divideAwayFromZero(
      digits * (1n << BigInt(scale.exponent)) * NANOS,
      10n ** BigInt(fraction.length),
    );
    if (nanos > BINARY_NANOS_MAX) nanos = BINARY_NANOS_MAX;
    if (nanos > 0n && nanos < NANOS) format = 'DecimalSI';
  } else {
    nanos = timesPowerOfTen(digits, scale.exponent - fraction.length + 9);
  }
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

/** True when the text is a quantity. */
export function isQuantity(value: unknown): value is string | number {
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  try {
    parseQuantity(value);
    return true;
  } catch (err) {
    if (err instanceof QuantityError) return false;
    throw err;
  }
}

function interpretSuffix(suffix: string): { exponent: number; format: QuantityFormat } | undefined {
  const decimal = DECIMAL_EXPONENTS[suffix];
  if (decimal !== undefined) return { exponent: decimal, format: 'DecimalSI' };
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) return { exponent: binary * 10, format: 'BinarySI' };
  if (!/^[eE][-+]?\d+$/.test(suffix)) return undefined;
  const exponent = Number(suffix.slice(1));
  // Beyond this no resource exists; without the bound a short text would ask for gigabytes of digits.
  return exponent <= EXPONENT_MAX
    ? { exponent: Math.max(exponent, -EXPONENT_MAX * 2), format: 'DecimalExponent' }
    : undefined;
}

/** Finer than a nano rounds away from zero: who asks for a little gets a little. */
function timesPowerOfTen(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  return divideAwayFromZero(digits, 10n ** BigInt(-exponent));
}

function divideAwayFromZero(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  if (dividend % divisor === 0n) return quotient;
  return dividend < 0n ? quotient - 1n : quotient + 1n;
}

/** Division that rounds towards +∞, as upstream's `Value()` and `MilliValue()`. */
function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend > 0n && dividend % divisor !== 0n ? quotient + 1n : quotient;
}

/** Canonical text: no fraction, the largest suffix that loses nothing. */
export function formatQuantity(q: ParsedQuantity): string {
  if (q.nanos === 0n) return '0';
  const isWhole = q.nanos % NANOS === 0n;
  const isSmall = q.nanos > -1024n * NANOS && q.nanos < 1024n * NANOS;
  if (q.format === 'BinarySI' && isWhole && !isSmall) return formatBinary(q.nanos / NANOS);
  return formatDecimal(q.nanos, q.format === 'DecimalExponent' ? 'DecimalExponent' : 'DecimalSI');
}

function formatBinary(units: bigint): string {
  let amount = units;
  let power = 0;
  while (power < BINARY_SUFFIXES.length - 1 && amount % 1024n === 0n) {
    amount /= 1024n;
    power += 1;
  }
  return `${amount}${BINARY_SUFFIXES[power]}`;
}

function formatDecimal(nanos: bigint, format: 'DecimalSI' | 'DecimalExponent'): string {
  let amount = nanos;
  let exponent = -9;
  while (amount % 1000n === 0n) {
    amount /= 1000n;
    exponent += 3;
  }
  if (exponent === 0) return amount.toString();
  const suffix = format === 'DecimalSI' ? DECIMAL_SUFFIXES.get(exponent) : undefined;
  return `${amount}${suffix ?? `e${exponent}`}`;
}

/** `0.5` → `500m`, `1024Mi` → `1Gi`. Throws QuantityError. */
export function canonicalQuantity(value: string | number): string {
  return formatQuantity(parseQuantity(value));
}

/** Negative, zero or positive, as for `sort`. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum, in the first one's format (the second's when the first is zero). */
export function addQuantities(a: string | number, b: string | number): string {
  return combine(a, b, 1n);
}

export function subtractQuantities(a: string | number, b: string | number): string {
  return combine(a, b, -1n);
}

function combine(a: string | number, b: string | number, sign: bigint): string {
  const left = parseQuantity(a);
  const right = parseQuantity(b);
  const format = left.nanos === 0n ? right.format : left.format;
  return formatQuantity({ nanos: left.nanos + sign * right.nanos, format });
}

/** Thousandths, rounded up: the unit of CPU (`250m` → 250). */
export function cpuMillis(value: string | number): number {
  return Number(divideUp(parseQuantity(value).nanos, NANOS_PER_MILLI));
}

/** Whole units, rounded up: bytes of memory or storage, counts of pods (`1.5Gi` → 1610612736). */
export function bytesOf(value: string | number): number {
  return Number(divideUp(parseQuantity(value).nanos, NANOS));
}

/** Thousandths back to text: 1500 → `1500m`, 2000 → `2`. */
export function quantityOfMillis(millis: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(millis)) * NANOS_PER_MILLI, format: 'DecimalSI' });
}

/** Whole bytes back to text with binary suffixes: 1073741824 → `1Gi`. */
export function quantityOfBytes(bytes: number): string {
  return formatQuantity({ nanos: BigInt(Math.round(bytes)) * NANOS, format: 'BinarySI' });
}
