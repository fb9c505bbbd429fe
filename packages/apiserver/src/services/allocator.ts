import { errors, type FieldError, type KubeObject, Service, type ServiceSpec } from '@kubelab/api';
import { needsClusterIP, needsHealthCheck, needsNodePort, type ServedResource } from '@kubelab/api/server';
import type { Random } from '@kubelab/component-base';
import type { Allocator } from '../registry/allocator.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { ClaimTakenError, Companions } from '../registry/objects.ts';
import type { IpRange } from './ip-range.ts';
import type { PortRange } from './port-range.ts';

const IP_KEYS = '/registry/ranges/serviceips/';
const PORT_KEYS = '/registry/ranges/servicenodeports/';
const HEADLESS = 'None';

/** Indexes on the Services' cache: who holds what, as far as this server has seen. */
const BY_CLAIM = 'claim';

/**
 * Cluster IPs and node ports.
 * Invariants
 *   SVC-1  an address or port belongs to one Service: its key in the store is made and removed in the
 *          Service's own transaction
 */
export class ServiceAllocator implements Allocator {
  readonly #ips: IpRange;
  readonly #ports: PortRange;
  readonly #random: Random;
  readonly #lookup: Lookup;

  /** Adds its index: before the caches are loaded. */
  constructor(deps: {
    readonly ips: IpRange;
    readonly ports: PortRange;
    readonly random: Random;
    readonly lookup: Lookup;
  }) {
    this.#ips = deps.ips;
    this.#ports = deps.ports;
    this.#random = deps.random;
    this.#lookup = deps.lookup;
    deps.lookup.cache(Service).addIndex(BY_CLAIM, (object) => [...claimsOf((object as Service).spec)]);
  }

  handles(resource: ServedResource): boolean {
    return resource.group === '' && resource.resource === 'services';
  }

  allocate(object: KubeObject, old: KubeObject | undefined, avoid: ReadonlySet<string>): Companions {
    const service = object as Service;
    const before = old === undefined ? new Set<string>() : claimsOf((old as Service).spec);
    this.#giveAddress(service, before, avoid);
    this.#givePorts(service, before, avoid);
    const after = claimsOf(service.spec);
    const value = Buffer.from(
      JSON.stringify({
        service: `${service.metadata.namespace}/${service.metadata.name}`,
        uid: service.metadata.uid,
      }),
    );
    return {
      claim: [...after].filter((key) => !before.has(key)).map((key) => ({ key, value })),
      release: [...before].filter((key) => !after.has(key)),
    };
  }

  release(object: KubeObject): Companions {
    return { claim: [], release: [...claimsOf((object as Service).spec)] };
  }

  refusal(object: KubeObject, { key }: ClaimTakenError): Error | undefined {
    const { spec, metadata } = object as Service;
    if (key.startsWith(IP_KEYS)) {
      const address = key.slice(IP_KEYS.length);
      if (spec?.clusterIP !== address) return undefined;
      const detail = `failed to allocate IP ${address}: provided IP is already allocated`;
      return this.#invalid(metadata.name, {
        type: 'FieldValueInvalid',
        field: 'spec.clusterIPs',
        badValue: [address],
        detail,
      });
    }
    const port = Number(key.slice(PORT_KEYS.length));
    const index = (spec?.ports ?? []).findIndex(({ nodePort }) => nodePort === port);
    if (index < 0 && spec?.healthCheckNodePort !== port) return undefined;
    const field = index < 0 ? 'spec.healthCheckNodePort' : `spec.ports[${index}].nodePort`;
    return this.#invalid(metadata.name, {
      type: 'FieldValueInvalid',
      field,
      badValue: port,
      detail: 'provided port is already allocated',
    });
  }

  #giveAddress({ spec, metadata }: Service, before: ReadonlySet<string>, avoid: ReadonlySet<string>): void {
    if (!needsClusterIP(spec)) return;
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
    if (spec.clusterIP === HEADLESS) {
      spec.clusterIPs = [HEADLESS];
      return;
    }
    if (!spec.clusterIP) {
      const address = this.#ips.pick((candidate) => this.#isTaken(IP_KEYS + candidate, avoid), this.#random);
      if (address === undefined) throw errors.internalError(`failed to allocate a serviceIP: range is full`);
      spec.clusterIP = address;
    } else if (!this.#ips.contains(spec.clusterIP) && !before.has(IP_KEYS + spec.clusterIP)) {
      const why = `the provided IP is not in the valid range. The range of valid IPs is ${this.#ips.text}`;
      const detail = `failed to allocate IP ${spec.clusterIP}: ${why}`;
      throw this.#invalid(metadata.name, {
        type: 'FieldValueInvalid',
        field: 'spec.clusterIPs',
        badValue: [spec.clusterIP],
        detail,
      });
    }
    spec.clusterIPs = [spec.clusterIP];
  }

  #givePorts(service: Service, before: ReadonlySet<string>, avoid: ReadonlySet<string>): void {
    const { spec, metadata } = service;
    if (needsNodePort(spec)) {
      for (const [index, port] of (spec.ports ?? []).entries()) {
        // One number may serve two protocols of the same Service, if it was asked for.
        port.nodePort ||= this.#pickPort(spec, avoid);
        this.#checkPort(metadata.name, `spec.ports[${index}].nodePort`, port.nodePort, before);
      }
    }
    if (!needsHealthCheck(spec)) return;
    spec.healthCheckNodePort ||= this.#pickPort(spec, avoid);
    this.#checkPort(metadata.name, 'spec.healthCheckNodePort', spec.healthCheckNodePort, before);
  }

  #pickPort(spec: ServiceSpec, avoid: ReadonlySet<string>): number {
    const own = claimsOf(spec);
    const port = this.#ports.pick(
      (candidate) => own.has(PORT_KEYS + candidate) || this.#isTaken(PORT_KEYS + candidate, avoid),
      this.#random,
    );
    if (port === undefined) throw errors.internalError('failed to allocate a nodePort: range is full');
    return port;
  }

  #checkPort(name: string, field: string, port: number, before: ReadonlySet<string>): void {
    if (this.#ports.contains(port) || before.has(PORT_KEYS + port)) return;
    const detail = `provided port is not in the valid range. The range of valid ports is ${this.#ports.text}`;
    throw this.#invalid(name, { type: 'FieldValueInvalid', field, badValue: port, detail });
  }

  #isTaken(key: string, avoid: ReadonlySet<string>): boolean {
    return avoid.has(key) || this.#lookup.cache(Service).byIndex(BY_CLAIM, key).length > 0;
  }

  #invalid(name: string, error: FieldError): Error {
    return errors.invalid(Service, name, [error]);
  }
}

/** The store keys that a Service's addresses and ports have. */
function claimsOf(spec: ServiceSpec): Set<string> {
  const keys = new Set<string>();
  const addresses = [spec.clusterIP, ...(spec.clusterIPs ?? [])];
  for (const address of addresses) if (address && address !== HEADLESS) keys.add(IP_KEYS + address);
  for (const { nodePort } of spec.ports ?? []) if (nodePort) keys.add(PORT_KEYS + nodePort);
  if (spec.healthCheckNodePort) keys.add(PORT_KEYS + spec.healthCheckNodePort);
  return keys;
}
