import type { Histogram } from '../../core/histogram.ts';

export type Labels = Readonly<Record<string, string>>;
/** A value with what tells it from the others of its family. */
export interface Sample {
  readonly value: number;
  readonly labels?: Labels;
  /** Where it is not the family's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** One metric, whose values are read when somebody asks. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly read: () => readonly Sample[];
}

type One = () => number;
type Many = () => Iterable<Sample>;

export function counter(name: string, help: string, read: One): Family {
  return { name, help, type: 'counter', read: () => [{ value: read() }] };
}

export function gauge(name: string, help: string, read: One): Family {
  return { name, help, type: 'gauge', read: () => [{ value: read() }] };
}

export function labelled(type: 'counter' | 'gauge', name: string, help: string, read: Many): Family {
  return { name, help, type, read: () => [...read()] };
}

export function histogram(
  name: string,
  help: string,
  read: () => Iterable<readonly [Labels, Histogram]>,
): Family {
  const samples = (): Sample[] =>
    [...read()].flatMap(([labels, { bounds, counts, sum }]) => {
      let count = 0;
      const buckets = counts.map((each, at): Sample => {
        count += each;
        const le = String(bounds[at] ?? '+Inf');
        return { value: count, labels: { ...labels, le }, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { value: sum, labels, metricName: `${name}_sum` },
        { value: count, labels, metricName: `${name}_count` },
      ];
    });
  return { name, help, type: 'histogram', read: samples };
}
