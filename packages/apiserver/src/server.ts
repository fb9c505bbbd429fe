import {
  Event,
  PersistentVolumeClaim,
  Pod,
  type ResourceType,
  Role,
  RoleBinding,
  ClusterRole,
  ClusterRoleBinding,
} from '@kubelab/api';
import { resources } from '@kubelab/api/server';
import type { Clock, Logger, Random } from '@kubelab/component-base';
import { certificateAdmission } from './admission/certificates.ts';
import { defaultTolerationSeconds } from './admission/default-toleration-seconds.ts';
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts';
import { nodeRestriction } from './admission/node-restriction.ts';
import { Admission } from './admission/plugin.ts';
import { priorityAdmission } from './admission/priority.ts';
import { serviceAccountAdmission } from './admission/service-account.ts';
import { Authenticator } from './authn/authenticator.ts';
import { LegacyServiceAccountTokens } from './authn/legacy-token.ts';
import { ServiceAccountTokens } from './authn/service-account.ts';
import { TokenFile } from './authn/token-file.ts';
import { UnionAuthorizer } from './authz/authorizer.ts';
import { escalationGuard } from './authz/escalation.ts';
import { NodeAuthorizer } from './authz/node.ts';
import { Rbac } from './authz/rbac.ts';
import { wantedBasics } from './bootstrap/basics.ts';
import { Ensure } from './bootstrap/ensure.ts';
import { MasterService } from './bootstrap/kubernetes-service.ts';
import { wantedPolicy } from './bootstrap/policy.ts';
import type { ApiServerConfig } from './config.ts';
import { InflightLimiter } from './core/inflight.ts';
import { KubeletClient } from './kubelet/client.ts';
import { RequestMetrics } from './metrics.ts';
import { NonResourceHandler } from './non-resource/handler.ts';
import { nonResourceRoutes } from './non-resource/routes.ts';
import { Pipeline } from './pipeline.ts';
import { Dispatcher } from './registry/dispatch.ts';
import { Lookup, served } from './registry/lookup.ts';
import { Objects } from './registry/objects.ts';
import { BY_NODE } from './registry/read.ts';
import type { Registry } from './registry/registry.ts';
import { ServiceAllocator } from './services/allocator.ts';
import { IpRange } from './services/ip-range.ts';
import { PortRange } from './services/port-range.ts';
import { Compactor } from './store/compactor.ts';
import { SharedLease } from './store/shared-lease.ts';
import type { Store } from './store/store.ts';
import { subresourceHandlers } from './subresources/index.ts';
import { reviewHandlers } from './virtual/reviews.ts';

export interface ApiServerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Everything behind the doors, put together; no port is open yet. Tests hand requests to `pipeline`. */
export class ApiServer {
  readonly pipeline: Pipeline;
  readonly objects: Objects;
  readonly kubelets: KubeletClient;
  readonly lookup: Lookup;
  readonly #log: Logger;
  readonly #compactor: Compactor;
  readonly #masterService: MasterService;
  #isBootstrapped = false;
  #isStopping = false;

  constructor(config: ApiServerConfig, deps: ApiServerDeps) {
    const { clock, random, log, store } = deps;
    this.#log = log;
    // Storage: one cache of everything, indexes where requests need them.
    const objects = new Objects(deps, resources);
    const lookup = new Lookup(objects);
    lookup.cache(Pod).addIndex(BY_NODE, (pod) => [(pod as Pod).spec.nodeName ?? '']);
    const eventLease = new SharedLease(store, clock, config.eventTtlMs);
    objects.setLease(served(Event), () => eventLease.get());
    const ips = new IpRange(config.serviceClusterIpRange);
    const allocator = new ServiceAllocator({
      ips,
      ports: new PortRange(config.serviceNodePortRange),
      random,
      lookup,
    });

    // Who may do what.
    const cacheOf = (type: ResourceType) => lookup.cache(type);
    const rbac = new Rbac({
      roles: cacheOf(Role),
      clusterRoles: cacheOf(ClusterRole),
      roleBindings: cacheOf(RoleBinding),
      clusterRoleBindings: cacheOf(ClusterRoleBinding),
    });
    const node = new NodeAuthorizer({
      pods: cacheOf(Pod),
      persistentVolumeClaims: cacheOf(PersistentVolumeClaim),
    });
    const authorizer = new UnionAuthorizer([node, rbac], () => objects.catchUp());
    const tokens = new ServiceAccountTokens({ ...config, lookup, clock, random });
    const legacyTokens = new LegacyServiceAccountTokens({ ...config, lookup, clock });
    const authenticator = new Authenticator({
      tokens: [
        ...(config.tokenFile === undefined ? [] : [new TokenFile(config.tokenFile)]),
        tokens,
        legacyTokens,
      ],
      audiences: config.audiences,
      clock,
    });

    // What happens to a write on its way.
    const admission = new Admission([
      namespaceLifecycle(lookup),
      nodeRestriction(lookup),
      serviceAccountAdmission({ lookup, random, clock }),
      priorityAdmission(lookup),
      defaultTolerationSeconds({
        notReady: config.notReadyTolerationSeconds,
        unreachable: config.unreachableTolerationSeconds,
      }),
      certificateAdmission(authorizer),
    ]);
    const registry: Registry = {
      objects,
      admission,
      allocators: [allocator],
      guards: [escalationGuard(rbac, authorizer)],
    };
    this.kubelets = new KubeletClient(config.kubelet);
    const dispatcher = new Dispatcher(registry, {
      ...reviewHandlers({ authenticator, authorizer, rbac }),
      ...subresourceHandlers({
        registry,
        lookup,
        tokens,
        kubelets: this.kubelets,
        audiences: config.audiences,
        tokenSecondsMax: config.tokenSecondsMax,
      }),
    });

    const metrics = new RequestMetrics();
    const limiter = new InflightLimiter();
    const routes = nonResourceRoutes({ config, objects, metrics, limiter, tokens, clock, state: this });
    this.objects = objects;
    this.lookup = lookup;
    this.pipeline = new Pipeline({
      ...deps,
      authenticator,
      authorizer,
      dispatcher,
      limiter,
      metrics,
      nonResource: new NonResourceHandler(routes),
    });
    this.#compactor = new Compactor(deps, config.compactionIntervalMs);
    this.#masterService = new MasterService({
      store,
      objects,
      allocator,
      clock,
      log,
      clusterIP: ips.first,
      address: config.advertiseAddress,
      port: config.securePort,
    });
  }

  /** The objects every cluster has are there. */
  get isBootstrapped(): boolean {
    return this.#isBootstrapped;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Loads the cache. Requests are answered from then on. */
  load(): Promise<void> {
    return this.objects.cache.start();
  }

  /** Makes what every cluster has, and begins the work in the background. */
  async bootstrap(): Promise<void> {
    const ensure = new Ensure(this.objects);
    await ensure.all([...wantedBasics(), ...wantedPolicy()]);
    await this.#masterService.start(ensure);
    this.#compactor.start();
    this.#isBootstrapped = true;
    this.#log.info('bootstrapped');
  }

  /** `/readyz` fails from here on. */
  beginStop(): void {
    this.#isStopping = true;
  }

  async stop(): Promise<void> {
    this.#compactor.stop();
    this.objects.cache.closeWatchers();
    await this.#masterService.stop();
    this.objects.cache.stop();
  }
}
