import type { RequestInfo } from './core/request-info.ts';

/** Upper bounds in seconds. */
const BUCKETS_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

interface Series {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

const SERIES_MAX = 5000;

/**
 * Counts and times requests, and writes them in Prometheus' text form. Labels come from what is served, never
 * from raw paths.
 */
export class RequestMetrics {
  readonly #totals = new Map<string, number>();
  readonly #durations = new Map<string, Series>();
  readonly #gauges = new Map<
    string,
    { readonly help: string; readonly read: () => number | Readonly<Record<string, number>> }
  >();

  observe(info: RequestInfo | undefined, code: number, durationMs: number): void {
    const labels = labelsOf(info);
    const withCode = `${labels},code="${code}"`;
    if (this.#totals.size < SERIES_MAX || this.#totals.has(withCode)) {
      this.#totals.set(withCode, (this.#totals.get(withCode) ?? 0) + 1);
    }
    if (info?.verb === 'watch') return;
    let series = this.#durations.get(labels);
    if (series === undefined) {
      if (this.#durations.size >= SERIES_MAX) return;
      series = { count: 0, sumSeconds: 0, buckets: BUCKETS_SECONDS.map(() => 0) };
      this.#durations.set(labels, series);
    }
    const seconds = durationMs / 1000;
    series.count++;
    series.sumSeconds += seconds;
    for (const [index, bound] of BUCKETS_SECONDS.entries())
      if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
  }

  /** `read` is called at each scrape; a record gives one sample per label text. */
  gauge(name: string, help: string, read: () => number | Readonly<Record<string, number>>): void {
    this.#gauges.set(name, { help, read });
  }

  text(): string {
    const lines = [
      '# HELP apiserver_request_total Requests by verb, resource, scope and code.',
      '# TYPE apiserver_request_total counter',
    ];
    for (const [labels, count] of this.#totals) lines.push(`apiserver_request_total{${labels}} ${count}`);
    const duration = 'apiserver_request_duration_seconds';
    lines.push(`# HELP ${duration} Time to answer, watches left out.`, `# TYPE ${duration} histogram`);
    for (const [labels, series] of this.#durations) {
      for (const [index, bound] of BUCKETS_SECONDS.entries()) {
        lines.push(`${duration}_bucket{${labels},le="${bound}"} ${series.buckets[index] ?? 0}`);
      }
      lines.push(`${duration}_bucket{${labels},le="+Inf"} ${series.count}`);
      lines.push(
        `${duration}_sum{${labels}} ${series.sumSeconds}`,
        `${duration}_count{${labels}} ${series.count}`,
      );
    }
    for (const [name, { help, read }] of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
      const value = read();
      if (typeof value === 'number') lines.push(`${name} ${value}`);
      else for (const [labels, sample] of Object.entries(value)) lines.push(`${name}{${labels}} ${sample}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

function labelsOf(info: RequestInfo | undefined): string {
  if (info === undefined || !info.isResource)
    return `verb="${verbOf(info?.verb)}",group="",version="",resource="",subresource="",scope=""`;
  const scope = info.name !== '' ? 'resource' : info.namespace !== '' ? 'namespace' : 'cluster';
  const { group, version, resource, subresource } = info;
  const words = [group, version, resource, subresource].map(labelText);
  const what = `group="${words[0]}",version="${words[1]}",resource="${words[2]}",subresource="${words[3]}"`;
  return `verb="${verbOf(info.verb)}",${what},scope="${scope}"`;
}

const VERBS = new Set([
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'post',
  'put',
]);
const UPSTREAM_VERB: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };

function verbOf(verb: string | undefined): string {
  if (verb === undefined || !VERBS.has(verb)) return 'other';
  return UPSTREAM_VERB[verb] ?? verb.toUpperCase();
}

function labelText(text: string): string {
  return /^[\w.-]{0,64}$/.test(text) ? text : 'invalid';
}
