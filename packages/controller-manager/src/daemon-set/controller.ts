/**
 * DaemonSet controller — one pod on every node that wants one.
 * Reads: daemonsets, nodes, pods, controllerrevisions (cache).  Writes: pods, controllerrevisions, daemonsets/status.
 * Invariants
 *   DS-1  at most one live daemon of a set on a node; none on a node that does not want it
 *   DS-2  an update takes no more working daemons down than maxUnavailable leaves room for
 *   DS-3  at most BURST_PODS_MAX creates and as many deletes per pass
 */
import {
  ControllerRevision,
  DaemonSet,
  labelSelectorMatcher,
  Node,
  objectKey,
  Pod,
  semanticEqual,
} from '@kubelab/api';
import {
  type ControllerDeps,
  type ControllerSpec,
  done,
  Expectations,
  type ObjectKey,
  type Result,
} from '@kubelab/client';
import { carryOutClaim, planClaim } from '../shared/claim.ts';
import { carryOutHistory, hashLabelOf, planHistory, truncateHistory } from '../shared/history.ts';
import { podControl, podFromTemplate } from '../shared/pod-control.ts';
import type { SeenPod } from '../shared/pods.ts';
import { slowStart } from '../shared/slow-start.ts';
import { enqueueSelf, indexOrphans, onOwned, orphansOf } from '../shared/watching.ts';
import {
  type DaemonPlan,
  daemonStatus,
  planDaemons,
  REVISION_HASH,
  type SeenDaemonSet,
  templateForNode,
} from './plan.ts';

const WORKERS = 2;
const HISTORY_DEFAULT = 10;

export function daemonSetController(deps: ControllerDeps): ControllerSpec {
  const { client, informers, clock } = deps;
  const sets = informers.of(DaemonSet);
  const pods = informers.of(Pod);
  const nodes = informers.of(Node);
  const revisions = informers.of(ControllerRevision);
  const control = podControl(deps, DaemonSet);
  const expectations = new Expectations(clock);
  indexOrphans(pods);

  return {
    name: 'daemonset',
    workers: WORKERS,
    watch(enqueue) {
      const wakeAll = () => {
        for (const set of sets.list()) enqueue(objectKey(set));
      };
      enqueueSelf(sets, enqueue);
      onOwned(revisions, sets, DaemonSet, enqueue);
      onOwned(pods, sets, DaemonSet, enqueue, {
        onCreated: (key) => expectations.creationObserved(key),
        onGoing: (key, pod) => expectations.deletionObserved(key, pod.metadata.uid),
        onOrphan: (pod) => {
          for (const set of sets.byNamespace(pod.metadata.namespace ?? '')) {
            if (matches(set, pod)) enqueue(objectKey(set));
          }
        },
      });
      nodes.addHandler({
        onAdd: wakeAll,
        onDelete: wakeAll,
        onUpdate: (old, node) => {
          const isSame =
            semanticEqual(old.spec.taints, node.spec.taints) &&
            semanticEqual(old.metadata.labels, node.metadata.labels);
          if (!isSame) wakeAll();
        },
      });
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const set = sets.get(key);
    if (set === undefined) {
      expectations.forget(key);
      return done;
    }
    const mayWrite = expectations.areMet(key) && set.metadata.deletionTimestamp === undefined;
    const owned = await claimPods(set);
    const own = revisions.ownedBy(set.metadata.uid);
    const { template } = set.spec;
    const history = { owner: set, type: DaemonSet, template, collisionCount: set.status?.collisionCount };
    const hash = hashLabelOf(await carryOutHistory(client, planHistory(history, own)));
    let thrown: unknown;
    let retryMs: number | undefined;
    if (mayWrite) {
      const plan = planDaemons(set, nodes.list(), owned, hash, clock.now());
      retryMs = plan.retryMs;
      thrown = await carryOut(key, set, plan, hash);
    }
    const { status, nextCheckMs } = daemonStatus(set, nodes.list(), owned, hash, clock.now());
    if (!semanticEqual(set.status, status)) await client.updateStatus(DaemonSet, { ...set, status });
    const hashes = new Set([hash, ...owned.map((pod) => pod.metadata.labels?.[REVISION_HASH])]);
    const inUse = own
      .filter((revision) => hashes.has(hashLabelOf(revision)))
      .map(({ metadata }) => metadata.name);
    await truncateHistory(client, own, new Set(inUse), set.spec.revisionHistoryLimit ?? HISTORY_DEFAULT);
    if (thrown !== undefined) throw thrown;
    const waits = [retryMs, nextCheckMs].filter((ms) => ms !== undefined);
    return waits.length === 0 ? done : { requeueAfterMs: Math.min(...waits) };
  }

  async function claimPods(set: SeenDaemonSet): Promise<SeenPod[]> {
    const candidates = [...pods.ownedBy(set.metadata.uid), ...orphansOf(pods, set.metadata.namespace)];
    const claim = planClaim(set, candidates, (pod) => matches(set, pod));
    return await carryOutClaim(client, set, DaemonSet, Pod, claim);
  }

  /** Answers what went wrong first, once everything was tried. */
  async function carryOut(
    key: ObjectKey,
    set: SeenDaemonSet,
    plan: DaemonPlan,
    hash: string,
  ): Promise<unknown> {
    expectations.expect(key, {
      creations: plan.createOn.length,
      deletions: plan.remove.map(({ metadata }) => metadata.uid),
    });
    const { succeeded, error } = await slowStart(plan.createOn.length, async (index) => {
      const template = templateForNode(set.spec.template, plan.createOn[index] ?? '', hash);
      const created = await control.create(set, podFromTemplate(set, DaemonSet, template));
      if (created === undefined) expectations.creationObserved(key);
    });
    expectations.creationObserved(key, plan.createOn.length - succeeded);
    const outcomes = await Promise.allSettled(
      plan.remove.map(async (pod) => {
        let isDeleted = false;
        try {
          isDeleted = await control.delete(set, pod);
        } finally {
          if (!isDeleted) expectations.deletionObserved(key, pod.metadata.uid);
        }
      }),
    );
    return error ?? outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
  }
}

function matches(set: SeenDaemonSet, pod: SeenPod): boolean {
  return labelSelectorMatcher(set.spec.selector).matches(pod.metadata.labels);
}
