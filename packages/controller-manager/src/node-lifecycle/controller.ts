/**
 * Node lifecycle controller — judges nodes by the signs of life we see, taints the silent ones, and takes
 * their pods out of Services.
 * Reads: nodes, leases, pods (cache).  Writes: nodes/status, nodes (taints), pods/status.
 * Invariants
 *   NL-1  until its first sign of life that we saw ourselves, a node has the start-up grace
 *   NL-2  a gap in our own sight pushes every node's deadline out by its length
 *   NL-3  nobody is judged while we are blind: a live read must answer first
 */
import { getCondition, isPodReady, Lease, Node, Pod, semanticEqual } from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type Result } from '@kubelab/client';
import { assert, rfc3339 } from '@kubelab/component-base';
import { refOf } from '../shared/objects.ts';
import { indexByNode, podsOn } from '../shared/node-index.ts';
import { setPodCondition } from '../shared/pod-condition.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { ifThere } from '../shared/writes.ts';
import {
  evictionTaintOf,
  type EvictionStance,
  hasEvictionTaint,
  readiness,
  type SeenNode,
  silentConditions,
  wantedTaints,
} from './plan.ts';
import { NodeSightings } from './sightings.ts';
import { type EvictionLimits, isEverythingDark, type Zone, ZonePace, zoneOf, zonesOf } from './zones.ts';

export interface NodeLifecycleOptions extends EvictionLimits {
  readonly monitorPeriodMs: number;
  readonly monitorGracePeriodMs: number;
  readonly startupGracePeriodMs: number;
}

const LEASE_NAMESPACE = 'kube-node-lease';
const WORKERS = 8;

export function nodeLifecycleController(deps: ControllerDeps, options: NodeLifecycleOptions): ControllerSpec {
  const { client, informers, events, clock } = deps;
  const nodes = informers.of(Node);
  const leases = informers.of(Lease);
  const pods = informers.of(Pod);
  const sightings = new NodeSightings({
    graceMs: options.monitorGracePeriodMs,
    startupGraceMs: options.startupGracePeriodMs,
    nowMs: clock.monotonic(),
  });
  const lookEveryMs = sightings.blindAfterMs / 2;
  const pace = new ZonePace();
  /** What we last made of a node's readiness, to notice the moment it is lost. */
  const judged = new Map<string, string>();
  let zoneStates = '';
  indexByNode(pods);

  return {
    name: 'node-lifecycle',
    workers: WORKERS,
    watch(enqueue) {
      nodes.addHandler({
        onAdd: (node) => {
          sightings.saw(node.metadata.name, clock.monotonic(), false);
          enqueue(node.metadata.name);
        },
        onUpdate: (old, node) => {
          const isSignOfLife = heartbeat(old) !== heartbeat(node);
          sightings.saw(node.metadata.name, clock.monotonic(), isSignOfLife);
          enqueue(node.metadata.name);
          wakeZonesOnChange(enqueue);
        },
        onDelete: (node) => {
          sightings.forget(node.metadata.name);
          judged.delete(node.metadata.name);
          tell(
            node,
            'RemovingNode',
            `Node ${node.metadata.name} event: Removing Node ${node.metadata.name} from Controller`,
          );
          wakeZonesOnChange(enqueue);
        },
      });
      // Renewals come every few seconds from every node: they are noted, and wake nobody.
      const renewed = (
        lease: { readonly metadata: { readonly name: string; readonly namespace?: string | undefined } },
        isSignOfLife: boolean,
      ) => {
        const { name, namespace } = lease.metadata;
        if (namespace === LEASE_NAMESPACE && nodes.get(name) !== undefined) {
          if (sightings.saw(name, clock.monotonic(), isSignOfLife)) enqueue(name);
        } else sightings.sawAnything(clock.monotonic());
      };
      // That a lease is there says nothing: it may be as old as the lab.
      leases.addHandler({
        onAdd: (lease) => renewed(lease, false),
        onUpdate: (_old, lease) => renewed(lease, true),
      });
    },
    reconcile,
  };

  async function reconcile(name: string): Promise<Result> {
    const seen = nodes.get(name);
    if (seen === undefined) return done;
    if (!judged.has(name)) {
      judged.set(name, readiness(seen));
      tell(seen, 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`);
    }
    let nowMs = clock.monotonic();
    const isSuspect = sightings.isSuspect(name, nowMs);
    if (isSuspect && sightings.sightAgeMs(nowMs) > lookEveryMs) {
      await lookLive();
      nowMs = clock.monotonic();
      sightings.sawAnything(nowMs);
    }
    const leftMs = sightings.msLeft(name, nowMs);
    let node = seen;
    if (leftMs <= 0) {
      assert(sightings.sightAgeMs(nowMs) <= sightings.blindAfterMs, 'NL-3');
      node = await markSilent(seen);
    }
    const waitMs = await taint(node);
    await takePodsOutOfServices(node);
    const nextMs = leftMs > 0 ? msUntilNextLook(leftMs, isSuspect) : options.monitorPeriodMs;
    return { requeueAfterMs: Math.max(1, Math.min(nextMs, waitMs ?? Number.POSITIVE_INFINITY)) };
  }

  /**
   * A node half through its grace period is looked at more often, so that our own sight stays fresh until the
   * verdict.
   */
  function msUntilNextLook(leftMs: number, isSuspect: boolean): number {
    return Math.ceil(isSuspect ? Math.min(leftMs, lookEveryMs) : leftMs - sightings.blindAfterMs);
  }

  /** Any answer proves that we see again; what the caches learn meanwhile moves the deadlines. */
  async function lookLive(): Promise<void> {
    await client.list(Lease, { namespace: LEASE_NAMESPACE, limit: 1 });
  }

  async function markSilent(node: SeenNode): Promise<SeenNode> {
    const conditions = silentConditions(node, rfc3339(clock.now()));
    if (semanticEqual(conditions, node.status?.conditions)) return node;
    return await client.updateStatus(Node, { ...node, status: { ...node.status, conditions } });
  }

  /** Answers after how many ms the zone's pace allows another try, when it did not now. */
  async function taint(node: SeenNode): Promise<number | undefined> {
    const zones = zonesOf(withLatest(node), options);
    const { stance, waitMs } = stanceFor(node, zones);
    const taints = wantedTaints(node, stance, rfc3339(clock.now()));
    if (!semanticEqual(taints, node.spec.taints)) {
      const { uid, resourceVersion } = node.metadata;
      await client.patch(
        Node,
        refOf(node),
        { metadata: { uid, resourceVersion }, spec: { taints } },
        { type: 'merge' },
      );
    }
    return waitMs;
  }

  function stanceFor(
    node: SeenNode,
    zones: ReadonlyMap<string, Zone>,
  ): { readonly stance: EvictionStance; readonly waitMs?: number } {
    if (isEverythingDark(zones)) return { stance: 'spare' };
    if (evictionTaintOf(node) === undefined || hasEvictionTaint(node)) return { stance: 'evict' };
    const name = zoneOf(node);
    const waitMs = pace.take(name, zones.get(name)?.evictionRate ?? 0, clock.monotonic());
    if (waitMs === 0) return { stance: 'evict' };
    return waitMs === undefined ? { stance: 'hold' } : { stance: 'hold', waitMs };
  }

  async function takePodsOutOfServices(node: SeenNode): Promise<void> {
    const { name } = node.metadata;
    const ready = readiness(node);
    const wasReady = judged.get(name) === 'True';
    // A silent kubelet cannot say it itself; one that reports NotReady is overruled once, then keeps its
    // pods' status.
    if (ready === 'Unknown' || (ready === 'False' && wasReady)) {
      if (wasReady) tell(node, 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
      const nowText = rfc3339(clock.now());
      await allOrThrow(
        podsOn(pods, name)
          .filter(isPodReady)
          .map((pod) =>
            ifThere(() => setPodCondition(client, pod, { type: 'Ready', status: 'False' }, nowText)),
          ),
      );
    }
    judged.set(name, ready);
  }

  function withLatest(node: SeenNode): SeenNode[] {
    return nodes.list().map((other) => (other.metadata.name === node.metadata.name ? node : other));
  }

  function wakeZonesOnChange(enqueue: (key: string) => void): void {
    const now = JSON.stringify([...zonesOf(nodes.list(), options)]);
    if (now === zoneStates) return;
    zoneStates = now;
    for (const node of nodes.list()) enqueue(node.metadata.name);
  }

  function tell(node: SeenNode, reason: string, message: string): void {
    const { name } = node.metadata;
    // Events about nodes carry the name as uid, as kubectl describe looks for it.
    events.event({ kind: 'Node', metadata: { name, uid: name } }, 'Normal', reason, message);
  }
}

function heartbeat(node: SeenNode): string | undefined {
  return getCondition(node.status?.conditions, 'Ready')?.lastHeartbeatTime;
}
