/** Observations counted by size: plain numbers, so that observing costs next to nothing. */
export class Histogram {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** How many fell into each bucket and no smaller one; the last is beyond all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /** `count` bounds from `first` on, each `factor` times the one before, as Prometheus' `ExponentialBuckets`. */
  static exponential(first: number, factor: number, count: number): Histogram {
    return new Histogram(Array.from({ length: count }, (_, i) => first * factor ** i));
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
    this.sum += value;
  }

  get count(): number {
    return this.counts.reduce((sum, each) => sum + each, 0);
  }
}
