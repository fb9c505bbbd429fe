import { resources } from '@kubelab/api/server';
import type { Clock, Logger, Random } from '@kubelab/component-base';
import { Admission } from './admission/plugin.ts';
import { Authenticator } from './authn/authenticator.ts';
import { UnionAuthorizer } from './authz/authorizer.ts';
import { InflightLimiter } from './core/inflight.ts';
import { RequestMetrics } from './metrics.ts';
import { discoveryRoutes } from './non-resource/discovery.ts';
import { NonResourceHandler } from './non-resource/handler.ts';
import { healthRoutes } from './non-resource/health.ts';
import { openapiRoutes } from './non-resource/openapi.ts';
import { versionRoute } from './non-resource/version.ts';
import { Pipeline } from './pipeline.ts';
import { Dispatcher } from './registry/dispatch.ts';
import { Objects } from './registry/objects.ts';
import { BY_NODE } from './registry/read.ts';
import type { Registry } from './registry/registry.ts';
import type { Store } from './store/store.ts';
import type { Pod } from '@kubelab/api';
import { findResource } from '@kubelab/api/server';
import { must } from '@kubelab/component-base';

export interface ApiServerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface ApiServerConfig {
  readonly serverAddress: string;
}

export function createApiServer(config: ApiServerConfig, deps: ApiServerDeps) {
  const objects = new Objects(deps, resources);
  objects.of(must(findResource('', 'v1', 'pods'))).addIndex(BY_NODE, (pod) => [(pod as Pod).spec.nodeName ?? '']);
  const registry: Registry = { objects, admission: new Admission([]), allocators: [], guards: [] };
  const authenticator = new Authenticator({ tokens: [], audiences: [], clock: deps.clock });
  const metrics = new RequestMetrics();
  const pipeline = new Pipeline({
    ...deps,
    authenticator,
    authorizer: new UnionAuthorizer([]),
    dispatcher: new Dispatcher(registry, {}),
    limiter: new InflightLimiter(),
    metrics,
    nonResource: new NonResourceHandler([
      ...healthRoutes([{ name: 'watch-cache', in: ['readyz'], isOk: () => objects.cache.isSynced }]),
      versionRoute(),
      ...discoveryRoutes(() => config.serverAddress),
      ...openapiRoutes(deps.clock),
    ]),
  });
  return { pipeline, objects };
}
