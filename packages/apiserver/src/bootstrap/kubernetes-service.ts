import {
  type Endpoints,
  type EndpointSlice,
  isStatus,
  type KubeObject,
  semanticEqual,
  Service,
} from '@kubelab/api';
import { findResource } from '@kubelab/api/server';
import { type Clock, errorMessage, type Logger, must, rfc3339, type Timer } from '@kubelab/component-base';
import type { Objects } from '../registry/objects.ts';
import { ClaimTakenError } from '../registry/objects.ts';
import { served } from '../registry/lookup.ts';
import type { ServiceAllocator } from '../services/allocator.ts';
import { prefixEnd, type Store } from '../store/store.ts';
import type { Ensure } from './ensure.ts';

const NAME = 'kubernetes';
const NAMESPACE = 'default';
const MASTER_LEASES = '/registry/masterleases/';
const LEASE_SECONDS = 15;
const RECONCILE_MS = 10_000;
const RETRY_MS = 1_000;

export interface MasterServiceOptions {
  /** The Service's address: the first of the range. */
  readonly clusterIP: string;
  /** Where this server is reached. */
  readonly address: string;
  readonly port: number;
  readonly store: Store;
  readonly objects: Objects;
  readonly allocator: ServiceAllocator;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The Service `default/kubernetes`, and behind it every API server that is alive: each keeps a leased key,
 * and each writes down whose keys
 * it finds (upstream: the lease endpoint reconciler). A server that ends takes its key away; one that dies is
 * gone with its lease.
 */
export class MasterService {
  readonly #options: MasterServiceOptions;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: MasterServiceOptions) {
    this.#options = options;
  }

  /** Makes the Service, then keeps the endpoints. */
  async start(ensure: Ensure): Promise<void> {
    await this.#ensureService(ensure);
    await this.#reconcileForever();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    const { store } = this.#options;
    await store.txn({
      compare: [],
      success: [{ type: 'delete', key: this.#leaseKey }],
      failure: [],
    });
    await this.#writeEndpoints(await this.#alive());
  }

  get #leaseKey(): string {
    return `${MASTER_LEASES}${this.#options.address}:${this.#options.port}`;
  }

  async #ensureService(ensure: Ensure): Promise<void> {
    const { allocator, clusterIP, log } = this.#options;
    try {
      const claims = (object: Service) => allocator.allocate(object, undefined, new Set());
      await ensure.make(served(Service), this.#service(), claims);
    } catch (error) {
      // Another server was first, and that is as good.
      if (isStatus(error, 'AlreadyExists')) return;
      if (!(error instanceof ClaimTakenError)) throw error;
      log.error('the address of the kubernetes service is taken', { clusterIP });
    }
  }

  async #reconcileForever(): Promise<void> {
    let pauseMs = RECONCILE_MS;
    try {
      await this.#renew();
      await this.#writeEndpoints(await this.#alive());
    } catch (error) {
      pauseMs = RETRY_MS;
      this.#options.log.warn('endpoints of the kubernetes service were not reconciled', {
        err: errorMessage(error),
      });
    }
    if (this.#stopped) return;
    this.#timer = this.#options.clock.setTimer(pauseMs, () => void this.#reconcileForever());
  }

  async #renew(): Promise<void> {
    const { store, address } = this.#options;
    const lease = await store.leaseGrant(LEASE_SECONDS);
    const value = Buffer.from(
      JSON.stringify({
        kind: 'Endpoints',
        apiVersion: 'v1',
        metadata: {},
        subsets: [{ addresses: [{ ip: address }] }],
      }),
    );
    await store.txn({
      compare: [],
      success: [{ type: 'put', key: this.#leaseKey, value, lease }],
      failure: [],
    });
  }

  async #alive(): Promise<string[]> {
    const found = await this.#options.store.range({ key: MASTER_LEASES, rangeEnd: prefixEnd(MASTER_LEASES) });
    return found.kvs.map((kv) => kv.key.slice(MASTER_LEASES.length)).toSorted();
  }

  async #writeEndpoints(alive: readonly string[]): Promise<void> {
    const byPort = Object.entries(groupByPort(alive)).map(([port, addresses]) => ({
      addresses,
      ports: [{ name: 'https', port: Number(port), protocol: 'TCP' }],
    }));
    const endpoints: Endpoints = {
      kind: 'Endpoints',
      apiVersion: 'v1',
      metadata: meta({ 'endpointslice.kubernetes.io/skip-mirror': 'true' }),
      subsets: byPort.map(({ addresses, ports }) => ({ addresses: addresses.map((ip) => ({ ip })), ports })),
    };
    await this.#write('', 'endpoints', endpoints);
    // A slice has one list of ports; servers differ in theirs only where all share one address, as processes
    // on one machine.
    const first = byPort[0];
    const slice: EndpointSlice = {
      kind: 'EndpointSlice',
      apiVersion: 'discovery.k8s.io/v1',
      metadata: meta({ 'kubernetes.io/service-name': NAME }),
      addressType: 'IPv4',
      endpoints: (first?.addresses ?? []).map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports: first?.ports ?? [],
    };
    await this.#write('discovery.k8s.io', 'endpointslices', slice);
  }

  /** Writes only what differs. */
  async #write(group: string, plural: string, wanted: KubeObject): Promise<void> {
    const { objects, clock, random } = { ...this.#options, random: this.#options.objects.random };
    const resource = must(findResource(group, 'v1', plural));
    await objects.update(resource, `${NAMESPACE}/${NAME}`, (current) => {
      if (current === undefined) {
        const created = { ...wanted.metadata, uid: random.uuid(), creationTimestamp: rfc3339(clock.now()) };
        const generation = plural === 'endpointslices' ? { generation: 1 } : {};
        return { type: 'put', object: { ...wanted, metadata: { ...created, ...generation } } };
      }
      const metadata = {
        ...current.object.metadata,
        labels: { ...current.object.metadata.labels, ...wanted.metadata.labels },
      };
      const object = { ...current.copy(), ...wanted, metadata };
      return semanticEqual(object, current.object) ? { type: 'none' } : { type: 'put', object };
    });
  }

  #service(): Service {
    return {
      kind: 'Service',
      apiVersion: 'v1',
      metadata: meta({ component: 'apiserver', provider: 'kubernetes' }),
      spec: {
        type: 'ClusterIP',
        clusterIP: this.#options.clusterIP,
        clusterIPs: [this.#options.clusterIP],
        sessionAffinity: 'None',
        ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: this.#options.port }],
      },
    };
  }
}

/** The rest of the metadata is given when the object is made. */
function meta(labels: Record<string, string>): KubeObject['metadata'] {
  return { name: NAME, namespace: NAMESPACE, labels } as unknown as KubeObject['metadata'];
}

/** `10.0.0.1:6443` → by port, lowest first (the order of whole numbers as keys). */
function groupByPort(alive: readonly string[]): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  for (const place of alive) {
    const colon = place.lastIndexOf(':');
    (groups[place.slice(colon + 1)] ??= []).push(place.slice(0, colon));
  }
  return groups;
}
