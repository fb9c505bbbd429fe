import type { Timings } from './plan.ts';

/** Clocks of a lab: the same code with other numbers. Seconds unless the name says otherwise. */
export interface Clocks {
  /**
   * Of the store's Raft, in ms. Members notice a peer that died by its broken connection, so in a lab fewer heartbeats
   * cost nothing but half of what the store does at rest; the least etcd allows is five to an election timeout.
   */
  readonly storeHeartbeatMs: number;
  readonly storeElectionMs: number;
  readonly leaderElection: { readonly lease: number; readonly renew: number; readonly retry: number };
  /** The kubelet renews its Lease every quarter of it. */
  readonly nodeLease: number;
  readonly nodeStatusUpdate: number;
  readonly nodeMonitorPeriodMs: number;
  readonly nodeMonitorGraceMs: number;
  /** For nodes that the controller manager has not seen alive itself: after its own start, all of them. */
  readonly nodeStartupGraceMs: number;
  /** How long a pod stays on a node that is silent. */
  readonly unreachableToleration: number;
  /** The same for a node that says itself that it is not ready: its engine may just be starting. */
  readonly notReadyToleration: number;
  /** Above this share of unhealthy nodes eviction slows down; 1.1 is never. */
  readonly unhealthyZoneThreshold: number;
  /** Nodes per second whose pods are evicted. */
  readonly nodeEvictionRate: number;
}

const CLOCKS: Readonly<Record<Timings, Clocks>> = {
  lab: {
    storeHeartbeatMs: 200,
    storeElectionMs: 1000,
    leaderElection: { lease: 4, renew: 3, retry: 1 },
    nodeLease: 4,
    nodeStatusUpdate: 10,
    nodeMonitorPeriodMs: 500,
    nodeMonitorGraceMs: 3500,
    nodeStartupGraceMs: 30_000,
    unreachableToleration: 0,
    notReadyToleration: 30,
    unhealthyZoneThreshold: 1.1,
    nodeEvictionRate: 100,
  },
  kubernetes: {
    storeHeartbeatMs: 100,
    storeElectionMs: 1000,
    leaderElection: { lease: 15, renew: 10, retry: 2 },
    nodeLease: 40,
    nodeStatusUpdate: 10,
    nodeMonitorPeriodMs: 5000,
    nodeMonitorGraceMs: 50_000,
    nodeStartupGraceMs: 60_000,
    unreachableToleration: 300,
    notReadyToleration: 300,
    unhealthyZoneThreshold: 0.55,
    nodeEvictionRate: 0.1,
  },
};

export function clocksOf(timings: Timings): Clocks {
  return CLOCKS[timings];
}
