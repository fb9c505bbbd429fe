import type { Metric, Registry } from 'prom-client';
import type { Member } from '../../shell/member.ts';
import type { HealthCounts } from '../health.ts';
import { type HttpHandler, refuseMethod } from '../message.ts';
import type { RpcTable } from '../rpc-table.ts';
import type { Family } from './family.ts';
import { serverFamilies } from './server-families.ts';
import { storeFamilies } from './store-families.ts';

/** Whose metrics they are. */
export interface MetricsSource {
  readonly member: Member;
  readonly rpcs: RpcTable;
  readonly health: HealthCounts;
}

/** `/metrics`: etcd's names where etcd counts the same, and Node's own. */
export function metricsHandler(source: MetricsSource): HttpHandler {
  let registry: Promise<Registry> | undefined;
  return async (request) => {
    const refusal = refuseMethod(request, 'GET');
    if (refusal !== undefined) return refusal;
    registry ??= makeRegistry([...serverFamilies(source), ...storeFamilies(source)]);
    const made = await registry;
    return { status: 200, headers: { 'content-type': made.contentType }, body: await made.metrics() };
  };
}

/** At the first scrape, not before: the library takes memory that members without a Prometheus need not spend. */
async function makeRegistry(families: readonly Family[]): Promise<Registry> {
  const { collectDefaultMetrics, Registry: RegistryClass } = await import('prom-client');
  const registry = new RegistryClass();
  for (const family of families) registry.registerMetric(asMetric(family));
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** What the registry asks of a metric is its name and `get`: the library's own classes would count for themselves. */
function asMetric({ name, help, type, read }: Family): Metric {
  const get = () =>
    Promise.resolve({
      name,
      help,
      type,
      aggregator: 'sum',
      values: read().map((sample) => ({ labels: {}, ...sample })),
    });
  // Of a Metric the registry asks for just these; its classes would count by themselves.
  return { name, get, collect: () => undefined, labelNames: [] } as unknown as Metric;
}
