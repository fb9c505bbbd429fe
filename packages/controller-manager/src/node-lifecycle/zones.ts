/**
 * Failure zones: when much of a zone is silent at once the fault is more likely ours, and eviction slows down
 * or stops.
 */
import { readiness, type SeenNode } from './plan.ts';

export interface EvictionLimits {
  /**
   * Share of silent nodes from which a zone is partially disrupted. Above 1: never, not even when all are
   * silent.
   */
  readonly unhealthyZoneThreshold: number;
  /** Nodes per second that may be tainted for eviction in a healthy zone. */
  readonly nodeEvictionRate: number;
  readonly secondaryNodeEvictionRate: number;
  /** Zones up to this size stop evicting altogether when partially disrupted. */
  readonly largeClusterSizeThreshold: number;
}

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface Zone {
  readonly state: ZoneState;
  /** Nodes per second; 0 = none. */
  readonly evictionRate: number;
}

export function zoneOf(node: SeenNode): string {
  const labels = node.metadata.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

export function zonesOf(nodes: readonly SeenNode[], limits: EvictionLimits): Map<string, Zone> {
  const counts = new Map<string, { ready: number; size: number }>();
  for (const node of nodes) {
    const zone = counts.get(zoneOf(node)) ?? { ready: 0, size: 0 };
    zone.size++;
    if (readiness(node) === 'True') zone.ready++;
    counts.set(zoneOf(node), zone);
  }
  const states = new Map([...counts].map(([name, { ready, size }]) => [name, stateOf(ready, size, limits)]));
  const isAllFull = [...states.values()].every((state) => state === 'FullDisruption');
  return new Map(
    [...states].map(([name, state]) => {
      const size = counts.get(name)?.size ?? 0;
      return [name, { state, evictionRate: isAllFull ? 0 : rateOf(state, size, limits) }];
    }),
  );
}

/** Every zone is dark: then it is us, and nobody is evicted. */
export function isEverythingDark(zones: ReadonlyMap<string, Zone>): boolean {
  return zones.size > 0 && [...zones.values()].every(({ state }) => state === 'FullDisruption');
}

function stateOf(ready: number, size: number, limits: EvictionLimits): ZoneState {
  const silent = size - ready;
  if (limits.unhealthyZoneThreshold > 1) return 'Normal';
  if (ready === 0 && silent > 0) return 'FullDisruption';
  return silent > 2 && silent / size >= limits.unhealthyZoneThreshold ? 'PartialDisruption' : 'Normal';
}

function rateOf(state: ZoneState, size: number, limits: EvictionLimits): number {
  if (state !== 'PartialDisruption') return limits.nodeEvictionRate;
  return size > limits.largeClusterSizeThreshold ? limits.secondaryNodeEvictionRate : 0;
}

/** One token bucket of size 1 a zone: a node is tainted only with a token. */
export class ZonePace {
  readonly #nextMs = new Map<string, number>();

  /** Ms to wait for the zone's next token: 0 = taken. Undefined: the zone evicts nobody. */
  take(zone: string, perSecond: number, nowMs: number): number | undefined {
    if (perSecond <= 0) return undefined;
    const next = this.#nextMs.get(zone) ?? 0;
    if (next > nowMs) return next - nowMs;
    this.#nextMs.set(zone, nowMs + 1000 / perSecond);
    return 0;
  }
}
