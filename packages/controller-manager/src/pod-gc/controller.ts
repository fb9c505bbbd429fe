/**
 * Pod garbage collector — removes pods whose node is gone, that were deleted before any node had them, or
 * that ended long ago.
 * Reads: pods, nodes (cache; a missing node is asked for live).
 * Writes: pods/status, pod deletions without grace.
 * Invariants
 *   PGC-1  a pod is called orphaned only when the API server itself says that its node does not exist
 */
import { isPodTerminal, isStatus, Node, Pod, type PodCondition, setCondition } from '@kubelab/api';
import type { ControllerDeps, ControllerSpec } from '@kubelab/client';
import { rfc3339 } from '@kubelab/component-base';
import { indexByNode, podsOn } from '../shared/node-index.ts';
import { refOf, type Seen } from '../shared/objects.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { type Collectable, collectablePods } from './plan.ts';

const SWEEP = 'sweep';
const SWEEP_PERIOD_MS = 20_000;

export interface PodGcOptions {
  /** Ended pods beyond this number go, oldest first; 0 = none. */
  readonly terminatedThreshold: number;
  /** How long a node must be missing before its pods are orphans. */
  readonly quarantineMs: number;
}

export function podGcController(
  { client, informers, clock }: ControllerDeps,
  options: PodGcOptions,
): ControllerSpec {
  const pods = informers.of(Pod);
  const nodes = informers.of(Node);
  const missingSinceMs = new Map<string, number>();
  indexByNode(pods);

  return {
    name: 'pod-garbage-collector',
    workers: 1,
    watch(enqueue) {
      enqueue(SWEEP);
      nodes.addHandler({
        onDelete: ({ metadata: { name } }) => podsOn(pods, name).length > 0 && enqueue(SWEEP),
      });
    },
    async reconcile() {
      const lostNodes = await findLostNodes();
      const found = collectablePods({
        pods: pods.list(),
        nodes: new Map(nodes.list().map((node) => [node.metadata.name, node])),
        lostNodes,
        terminatedThreshold: options.terminatedThreshold,
      });
      await allOrThrow(found.map(collect));
      return { requeueAfterMs: Math.min(SWEEP_PERIOD_MS, msUntilLost()) };
    },
  };

  async function findLostNodes(): Promise<Set<string>> {
    const nowMs = clock.monotonic();
    const named = new Set(pods.list().map(({ spec }) => spec.nodeName ?? ''));
    for (const name of missingSinceMs.keys()) {
      if (!named.has(name) || nodes.get(name) !== undefined) missingSinceMs.delete(name);
    }
    const lost = new Set<string>();
    for (const name of named) {
      if (name === '' || nodes.get(name) !== undefined) continue;
      const sinceMs = missingSinceMs.get(name) ?? nowMs;
      missingSinceMs.set(name, sinceMs);
      if (nowMs - sinceMs >= options.quarantineMs && (await isGone(name))) lost.add(name);
    }
    return lost;
  }

  async function isGone(name: string): Promise<boolean> {
    try {
      await client.get(Node, { name });
      return false;
    } catch (error) {
      if (isStatus(error, 'NotFound')) return true; // PGC-1
      throw error;
    }
  }

  function msUntilLost(): number {
    const nowMs = clock.monotonic();
    const waits = [...missingSinceMs.values()].map((sinceMs) => sinceMs + options.quarantineMs - nowMs);
    return Math.max(1, Math.min(Number.POSITIVE_INFINITY, ...waits.filter((ms) => ms > 0)));
  }

  /**
   * Says what happened in the status first: whoever counts failures (a Job) sees a pod that failed, not one
   * that vanished.
   */
  async function collect({ pod, disruption }: Collectable): Promise<void> {
    try {
      if (!isPodTerminal(pod)) {
        const nowText = rfc3339(clock.now());
        const conditions =
          disruption === undefined
            ? pod.status?.conditions
            : setCondition<Seen<PodCondition>>(
                pod.status?.conditions,
                { type: 'DisruptionTarget', status: 'True', ...disruption },
                nowText,
              );
        const status = {
          ...pod.status,
          phase: 'Failed',
          ...(conditions === undefined ? {} : { conditions }),
        };
        await client.updateStatus(Pod, { ...pod, status });
      }
      await client.delete(Pod, refOf(pod), {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      });
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
    }
  }
}
