import type { Clock } from '@kubelab/component-base';
import type { ServiceAccountTokens } from '../authn/service-account.ts';
import type { ApiServerConfig } from '../config.ts';
import type { InflightLimiter } from '../core/inflight.ts';
import type { RequestMetrics } from '../metrics.ts';
import type { Objects } from '../registry/objects.ts';
import { jsonBody, textBody } from '../respond/body.ts';
import { discoveryRoutes } from './discovery.ts';
import type { NonResourceRoute } from './handler.ts';
import { type HealthCheck, healthRoutes } from './health.ts';
import { issuerRoutes } from './issuer.ts';
import { openapiRoutes } from './openapi.ts';
import { versionRoute } from './version.ts';

export interface RoutesDeps {
  readonly config: ApiServerConfig;
  readonly objects: Objects;
  readonly metrics: RequestMetrics;
  readonly limiter: InflightLimiter;
  readonly tokens: ServiceAccountTokens;
  readonly clock: Clock;
  readonly state: { readonly isBootstrapped: boolean; readonly isStopping: boolean };
}

/** Every path that is no resource, in the order they are tried. */
export function nonResourceRoutes(deps: RoutesDeps): NonResourceRoute[] {
  const { config, objects, metrics, tokens, clock, limiter, state } = deps;
  const checks: HealthCheck[] = [
    { name: 'ping', in: ['livez', 'readyz'], isOk: () => true },
    { name: 'informer-sync', in: ['readyz'], isOk: () => objects.cache.isSynced },
    { name: 'poststarthook/rbac/bootstrap-roles', in: ['readyz'], isOk: () => state.isBootstrapped },
    { name: 'shutdown', in: ['readyz'], isOk: () => !state.isStopping },
  ];
  const address = () => `${config.advertiseAddress}:${config.securePort}`;
  metrics.gauge('apiserver_current_inflight_requests', 'Requests under way.', () => ({
    'request_kind="readOnly"': limiter.readOnly,
    'request_kind="mutating"': limiter.mutating,
  }));
  metrics.gauge('apiserver_longrunning_requests', 'Open watches.', () => ({
    'verb="WATCH"': objects.cache.watcherCount,
  }));
  metrics.gauge('apiserver_storage_objects', 'Stored objects by resource.', () => objects.counts());
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  const routes: NonResourceRoute[] = [
    ...healthRoutes(checks),
    versionRoute(),
    ...discoveryRoutes(address),
    ...openapiRoutes(clock),
    ...issuerRoutes(tokens, config.issuer, address),
    { path: '/metrics', handle: () => textBody(200, metrics.text()) },
  ];
  const paths = [...new Set(routes.map(({ path }) => path))].toSorted();
  return [...routes, { path: '/', handle: () => jsonBody(200, { paths }) }];
}
