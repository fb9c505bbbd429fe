/** Milliseconds. */
export interface Latency {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the load client says it did; see `client/load.c`, `watch.c`, `probe.c`. */
export interface LoadReport {
  readonly seconds: number;
  readonly cpuSeconds: { readonly servers: number; readonly client: number; readonly machine: number };
  /** Requests answered; of a watch, events received. */
  readonly operations: number;
  /** Keys in the answers. */
  readonly items: number;
  /** Transactions whose comparison failed. */
  readonly conflicts: number;
  readonly latency: Latency;
  /** Puts beside the measured load. */
  readonly writes: number;
  readonly writeLatency: Latency;
  /** Of a probe: the longest time between two acknowledgements. */
  readonly outageSeconds: number;
  /** When the first answer came, in milliseconds of the machine's monotonic clock. */
  readonly answeredAtMs: number;
}

const NS_PER_MS = 1e6;

/** Reads the client's line of JSON; what a mode does not say is 0. A line that is none of its own is an error. */
export function parseReport(line: string): LoadReport {
  const fields = recordOf(JSON.parse(line), 'report');
  const cpu = recordOf(fields.cpuSeconds, 'cpuSeconds');
  return {
    seconds: numberOf(fields, 'seconds'),
    cpuSeconds: {
      servers: numberOf(cpu, 'servers'),
      client: numberOf(cpu, 'client'),
      machine: numberOf(cpu, 'machine'),
    },
    operations: numberOf(fields, 'operations', 0),
    items: numberOf(fields, 'items', 0),
    conflicts: numberOf(fields, 'conflicts', 0),
    latency: latencyOf(fields.latencyNs),
    writes: numberOf(fields, 'writes', 0),
    writeLatency: latencyOf(fields.writeLatencyNs),
    outageSeconds: numberOf(fields, 'outageNs', 0) / (NS_PER_MS * 1000),
    answeredAtMs: numberOf(fields, 'answeredAtNs', 0) / NS_PER_MS,
  };
}

/** Microseconds of the servers' CPU per operation. */
export function cpuMicros({ cpuSeconds, operations }: LoadReport): number {
  return (cpuSeconds.servers * 1e6) / operations;
}

/** Cores that others than servers and client used meanwhile. */
export function foreignCores({ cpuSeconds: { machine, servers, client }, seconds }: LoadReport): number {
  return Math.max(0, machine - servers - client) / seconds;
}

function latencyOf(value: unknown): Latency {
  const fields = value === undefined ? {} : recordOf(value, 'latency');
  const ms = (name: string) => numberOf(fields, name, 0) / NS_PER_MS;
  return { mean: ms('mean'), p50: ms('p50'), p99: ms('p99'), max: ms('max') };
}

function recordOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

function numberOf(fields: Readonly<Record<string, unknown>>, name: string, absent?: number): number {
  const value = fields[name] ?? absent;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new TypeError(`${name} is no number`);
  return value;
}
