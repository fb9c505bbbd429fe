import type { ControllerDeps, ControllerSpec } from '@kubelab/client';
import { clusterDnsController } from './cluster-dns/controller.ts';
import { clusterRoleAggregationController } from './cluster-role-aggregation/controller.ts';
import { cronJobController } from './cron-job/controller.ts';
import { daemonSetController } from './daemon-set/controller.ts';
import { deploymentController } from './deployment/controller.ts';
import { disruptionController } from './disruption/controller.ts';
import { endpointSliceController } from './endpoint-slice/controller.ts';
import { endpointSliceMirroringController } from './endpoint-slice-mirroring/controller.ts';
import { endpointsController } from './endpoints/controller.ts';
import type { ControllerManagerFlags } from './flags.ts';
import { garbageCollector } from './garbage-collector/controller.ts';
import { jobController } from './job/controller.ts';
import { namespaceController } from './namespace/controller.ts';
import { nodeIpamController } from './node-ipam/controller.ts';
import { nodeLifecycleController } from './node-lifecycle/controller.ts';
import { podGcController } from './pod-gc/controller.ts';
import { replicaSetController } from './replica-set/controller.ts';
import { replicationController } from './replication-controller/controller.ts';
import { rootCaPublisher } from './root-ca-publisher/controller.ts';
import { tokensController } from './service-account-tokens/controller.ts';
import { TokenSigner } from './service-account-tokens/token.ts';
import { serviceAccountController } from './service-account/controller.ts';
import { statefulSetController } from './stateful-set/controller.ts';
import { taintEvictionController } from './taint-eviction/controller.ts';
import { ttlAfterFinishedController } from './ttl-after-finished/controller.ts';

/** Settings that are not flags but what flags point to. */
export interface ControllerManagerOptions {
  readonly flags: ControllerManagerFlags;
  /** Contents of --root-ca-file. */
  readonly rootCa?: string | undefined;
  /** Contents of --service-account-private-key-file. */
  readonly serviceAccountKey?: string | undefined;
  /** Ends with the leadership. */
  readonly signal: AbortSignal;
}

export interface Registration {
  /** Upstream's name, as `--controllers` takes it. */
  readonly name: string;
  /** `source.component` of the events it records. */
  readonly component: string;
  /** Undefined: not configured. */
  readonly make: (deps: ControllerDeps, options: ControllerManagerOptions) => ControllerSpec | undefined;
}

/**
 * Every controller, in the order in which they are started: nodes first, as everything else depends on them.
 */
export const controllers: readonly Registration[] = [
  {
    name: 'node-ipam-controller',
    component: 'cidrAllocator',
    make: (deps, { flags }) =>
      flags['allocate-node-cidrs']
        ? nodeIpamController(deps, {
            clusterCidr: flags['cluster-cidr'],
            nodeMaskSize: flags['node-cidr-mask-size'],
            serviceCidr: flags['service-cluster-ip-range'],
          })
        : undefined,
  },
  {
    name: 'node-lifecycle-controller',
    component: 'node-controller',
    make: (deps, { flags }) =>
      nodeLifecycleController(deps, {
        monitorPeriodMs: flags['node-monitor-period'],
        monitorGracePeriodMs: flags['node-monitor-grace-period'],
        startupGracePeriodMs: flags['node-startup-grace-period'],
        unhealthyZoneThreshold: flags['unhealthy-zone-threshold'],
        nodeEvictionRate: flags['node-eviction-rate'],
        secondaryNodeEvictionRate: flags['secondary-node-eviction-rate'],
        largeClusterSizeThreshold: flags['large-cluster-size-threshold'],
      }),
  },
  {
    name: 'taint-eviction-controller',
    component: 'taint-eviction-controller',
    make: taintEvictionController,
  },
  {
    name: 'serviceaccount-controller',
    component: 'serviceaccount-controller',
    make: serviceAccountController,
  },
  {
    name: 'serviceaccount-token-controller',
    component: 'serviceaccount-token-controller',
    make: (deps, { serviceAccountKey, rootCa }) =>
      serviceAccountKey === undefined
        ? undefined
        : tokensController(deps, { signer: new TokenSigner(serviceAccountKey), rootCa }),
  },
  {
    name: 'clusterrole-aggregation-controller',
    component: 'clusterrole-aggregation-controller',
    make: clusterRoleAggregationController,
  },
  {
    name: 'root-ca-certificate-publisher-controller',
    component: 'root-ca-cert-publisher',
    make: (deps, { rootCa }) => (rootCa === undefined ? undefined : rootCaPublisher(deps, { rootCa })),
  },
  { name: 'deployment-controller', component: 'deployment-controller', make: deploymentController },
  { name: 'replicaset-controller', component: 'replicaset-controller', make: replicaSetController },
  {
    name: 'replicationcontroller-controller',
    component: 'replication-controller',
    make: replicationController,
  },
  { name: 'statefulset-controller', component: 'statefulset-controller', make: statefulSetController },
  { name: 'daemonset-controller', component: 'daemonset-controller', make: daemonSetController },
  { name: 'job-controller', component: 'job-controller', make: jobController },
  { name: 'cronjob-controller', component: 'cronjob-controller', make: cronJobController },
  {
    name: 'ttl-after-finished-controller',
    component: 'ttl-after-finished-controller',
    make: ttlAfterFinishedController,
  },
  { name: 'disruption-controller', component: 'controllermanager', make: disruptionController },
  { name: 'endpointslice-controller', component: 'endpointslice-controller', make: endpointSliceController },
  {
    name: 'endpointslice-mirroring-controller',
    component: 'endpoint-slice-mirroring-controller',
    make: endpointSliceMirroringController,
  },
  { name: 'endpoints-controller', component: 'endpoint-controller', make: endpointsController },
  {
    name: 'cluster-dns-controller',
    component: 'cluster-dns-controller',
    make: (deps, { flags }) =>
      flags['cluster-dns-ip'] === ''
        ? undefined
        : clusterDnsController(deps, { clusterIp: flags['cluster-dns-ip'] }),
  },
  { name: 'namespace-controller', component: 'namespace-controller', make: namespaceController },
  { name: 'garbage-collector-controller', component: 'garbage-collector', make: garbageCollector },
  {
    name: 'pod-garbage-collector-controller',
    component: 'pod-garbage-collector',
    make: (deps, { flags }) =>
      podGcController(deps, {
        terminatedThreshold: flags['terminated-pod-gc-threshold'],
        quarantineMs: flags['orphaned-pod-quarantine'],
      }),
  },
];

/** What `--controllers` asks for. Answers the names it does not know, too. */
export function selectControllers(wanted: readonly string[]): {
  readonly selected: readonly Registration[];
  readonly unknown: readonly string[];
} {
  const known = new Set(controllers.map(({ name }) => name));
  const unknown = wanted.filter((word) => word !== '*' && !known.has(word.replace(/^-/, '')));
  const selected = controllers.filter(
    ({ name }) => !wanted.includes(`-${name}`) && (wanted.includes(name) || wanted.includes('*')),
  );
  return { selected, unknown };
}
