/** The middle value; of an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no values to take the median of');
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? 0) + upper) / 2;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Median and maximum of some runs, the maximum against the stated figure. */
export function spread(
  what: string,
  samples: readonly number[],
  atMost: number,
  note?: string,
): { what: string; unit: 's'; value: number; atMost?: number; samples?: readonly number[]; note?: string }[] {
  const told = note === undefined ? {} : { note };
  return [
    { what: `${what}, median of ${samples.length}`, unit: 's', value: median(samples), samples, ...told },
    { what: `${what}, maximum`, unit: 's', value: Math.max(...samples), atMost },
  ];
}
