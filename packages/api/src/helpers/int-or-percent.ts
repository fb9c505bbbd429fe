/** `maxSurge: 25%` and its like. */

/**
 * The number an int-or-percent stands for out of `total`; percentages round up or down as asked. Undefined
 * when the text is no percentage.
 */
export function scaledValue(
  value: number | string,
  total: number,
  rounding: 'up' | 'down',
): number | undefined {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  const exact = (percent * total) / 100;
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact);
}

/** `25%` → 25; undefined for anything else. */
export function percentOf(value: number | string): number | undefined {
  if (typeof value === 'number') return undefined;
  const match = /^(\d+)%$/.exec(value);
  return match === null ? undefined : Number(match[1]);
}
