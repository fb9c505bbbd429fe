/**
 * DaemonSet controller — one pod on every node that wants one.
 * Reads: daemonsets, nodes, pods, controllerrevisions (cache).
 * Writes: pods, controllerrevisions, daemonsets/status.
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
  semanticEqual,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import { carryOutHistory, hashLabelOf, planHistory, truncateHistory } from '../shared/history.ts';
import { OwnedPods } from '../shared/owned-pods.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import { enqueueSelf, onOwned } from '../shared/watching.ts';
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
  const nodes = informers.of(Node);
  const revisions = informers.of(ControllerRevision);
  const ownedPods = new OwnedPods(deps, {
    type: DaemonSet,
    owners: sets,
    matcherOf: (set) => labelSelectorMatcher(set.spec.selector),
  });

  return {
    name: 'daemonset',
    workers: WORKERS,
    watch(enqueue) {
      const wakeAll = () => {
        for (const set of sets.list()) enqueue(objectKey(set));
      };
      enqueueSelf(sets, enqueue);
      onOwned(revisions, sets, DaemonSet, enqueue);
      ownedPods.watch(enqueue);
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
    if (set === undefined) return done;
    const mayWrite = ownedPods.areMet(set) && set.metadata.deletionTimestamp === undefined;
    const owned = await ownedPods.claim(set);
    const own = revisions.ownedBy(set.metadata.uid);
    const { template } = set.spec;
    const history = { owner: set, type: DaemonSet, template, collisionCount: set.status?.collisionCount };
    const revision = await carryOutHistory(client, planHistory(history, own));
    if (revision === undefined) return done;
    const hash = hashLabelOf(revision);
    let thrown: unknown;
    let retryMs: number | undefined;
    if (mayWrite) {
      const plan = planDaemons(set, nodes.list(), owned, hash, clock.now());
      retryMs = plan.retryMs;
      thrown = await carryOut(set, plan, hash);
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

  /** Answers what went wrong first, once everything was tried. */
  async function carryOut(set: SeenDaemonSet, plan: DaemonPlan, hash: string): Promise<unknown> {
    const make = (index: number) => {
      const template = templateForNode(set.spec.template, plan.createOn[index] ?? '', hash);
      return podFromTemplate(set, DaemonSet, template);
    };
    const createError = await ownedPods.create(set, plan.createOn.length, make);
    const removeError = await ownedPods.remove(set, plan.remove);
    return createError ?? removeError;
  }
}
