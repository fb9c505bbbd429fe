import { EndpointSlice, Service } from '@kubelab/api';
import type { Informer, InformerFactory } from '@kubelab/client';
import { type Clock, errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import { compileRules, type ProxySettings, TABLE } from './core/nftables.ts';
import { diffScript, fullScript, type RuleSet } from './core/ruleset.ts';
import { type ServicePort, servicePorts } from './core/services.ts';

export interface ProxyDeps {
  readonly informers: InformerFactory;
  readonly settings: ProxySettings;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Applies a script for `nft -f` as one transaction. */
  apply(script: string): Promise<void>;
  forgetUdp(destinations: readonly { readonly address: string; readonly port: number }[]): Promise<void>;
}

/** Changes that come this close together become one transaction. */
const GATHER_MS = 10;
const RETRY_MS = 1000;

/**
 * Keeps the kernel's rules equal to the Services and their endpoints: observe (caches) → compile (pure) → apply the difference.
 * PROXY-3: after a failed transaction the whole table is written anew, as nobody knows what the kernel has.
 */
export class Proxy {
  readonly #deps: ProxyDeps;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  #applied: RuleSet | undefined;
  #ports: readonly ServicePort[] = [];
  #timer: Timer | undefined;
  #isSyncing = false;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
    this.#services = deps.informers.of(Service);
    this.#slices = deps.informers.of(EndpointSlice);
    const changed = () => this.#schedule(GATHER_MS);
    for (const informer of [this.#services, this.#slices]) {
      informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
    }
  }

  /** Call once the caches are filled: rules from half a cache would cut connections. */
  async start(): Promise<void> {
    await this.#sync();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#isSyncing = true;
  }

  #schedule(afterMs: number): void {
    if (this.#timer !== undefined || !this.#services.hasSynced() || !this.#slices.hasSynced()) return;
    this.#timer = this.#deps.clock.setTimer(afterMs, () => {
      this.#timer = undefined;
      if (this.#isSyncing) this.#schedule(GATHER_MS);
      else void this.#sync();
    });
  }

  async #sync(): Promise<void> {
    this.#isSyncing = true;
    const { settings, nodeName, log } = this.#deps;
    try {
      const ports = servicePorts(this.#services.list(), this.#slices.list(), nodeName);
      const rules = compileRules(ports, settings);
      const script =
        this.#applied === undefined ? fullScript(TABLE, rules) : diffScript(TABLE, this.#applied, rules);
      if (script !== '') await this.#deps.apply(script);
      const stale = this.#applied === undefined ? [] : staleUdp(this.#ports, ports);
      this.#applied = rules;
      this.#ports = ports;
      await this.#deps.forgetUdp(stale);
      log.debug('rules in place', { ports: ports.length, bytes: script.length });
    } catch (error) {
      this.#applied = undefined;
      log.error('rules could not be applied', { err: errorMessage(error) });
      this.#schedule(RETRY_MS);
    } finally {
      this.#isSyncing = false;
    }
  }
}

/** Addresses of UDP ports that lost a target, or got their first one: the kernel remembers where datagrams went. */
export function staleUdp(
  before: readonly ServicePort[],
  after: readonly ServicePort[],
): { address: string; port: number }[] {
  const now = new Map(after.map((port) => [port.id, port]));
  return before
    .filter((port) => port.protocol === 'udp')
    .filter((port) => {
      const kept = new Set((now.get(port.id)?.internal ?? []).map(({ address }) => address));
      return port.internal.length === 0
        ? kept.size > 0
        : port.internal.some(({ address }) => !kept.has(address));
    })
    .flatMap(({ addresses, port }) => addresses.map((address) => ({ address, port })));
}
