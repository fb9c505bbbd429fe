/**
 * StatefulSet controller — keeps members with an identity: web-0, web-1, … each with its own host name and
 * volumes.
 * Reads: statefulsets, pods, controllerrevisions (cache).
 * Writes: pods, persistentvolumeclaims, controllerrevisions, statefulsets/status.
 * Invariants
 *   SS-1  at most one pod a name: a member is made again only when its former pod is gone (the name itself
 *         sees to it)
 *   SS-2  in order means one at a time, each only after all before it are available
 *   SS-3  an update goes from the highest ordinal down and never past a member that is not healthy
 */
import {
  ControllerRevision,
  isStatus,
  labelSelectorMatcher,
  objectKey,
  PersistentVolumeClaim,
  Pod,
  semanticEqual,
  StatefulSet,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';
import { carryOutClaim, planClaim } from '../shared/claim.ts';
import {
  carryOutHistory,
  planHistory,
  type SeenRevision,
  templateOf,
  truncateHistory,
} from '../shared/history.ts';
import { refOf } from '../shared/objects.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import type { SeenPod } from '../shared/pods.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { enqueueSelf, indexOrphans, onOwned, orphansOf } from '../shared/watching.ts';
import { ifFree } from '../shared/writes.ts';
import { planStatefulSet, statefulStatus } from './plan.ts';
import { claimsFor, ordinalOf, podName, revisionOfPod, type SeenStatefulSet, statefulPod } from './pod.ts';

const WORKERS = 5;
const HISTORY_DEFAULT = 10;

export function statefulSetController({ client, informers, events, clock }: ControllerDeps): ControllerSpec {
  const sets = informers.of(StatefulSet);
  const pods = informers.of(Pod);
  const revisions = informers.of(ControllerRevision);
  indexOrphans(pods);

  return {
    name: 'statefulset',
    workers: WORKERS,
    watch(enqueue) {
      enqueueSelf(sets, enqueue);
      onOwned(revisions, sets, StatefulSet, enqueue);
      onOwned(pods, sets, StatefulSet, enqueue, (pod) => {
        for (const set of sets.byNamespace(pod.metadata.namespace ?? '')) {
          if (matches(set, pod)) enqueue(objectKey(set));
        }
      });
    },
    reconcile,
  };

  async function reconcile(key: ObjectKey): Promise<Result> {
    const set = sets.get(key);
    if (set === undefined) return done;
    const members = await claimPods(set);
    const own = revisions.ownedBy(set.metadata.uid);
    const { template } = set.spec;
    const history = { owner: set, type: StatefulSet, template, collisionCount: set.status?.collisionCount };
    const update = await carryOutHistory(client, planHistory(history, own));
    if (update === undefined) return done;
    const current = own.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
    const names = { current: current.metadata.name, update: update.metadata.name };

    const plan = planStatefulSet(set, members, names, clock.now());
    await allOrThrow([
      ...plan.create.map(({ ordinal, revision }) =>
        createMember(set, ordinal, revision === names.update ? update : current),
      ),
      ...plan.remove.map((pod) => removeMember(set, pod)),
    ]);
    const { status, nextCheckMs } = statefulStatus(set, members, names, clock.now());
    if (!semanticEqual(set.status, status)) await client.updateStatus(StatefulSet, { ...set, status });
    const inUse = new Set([...Object.values(names), ...members.map(revisionOfPod)]);
    await truncateHistory(client, own, inUse, set.spec.revisionHistoryLimit ?? HISTORY_DEFAULT);
    return nextCheckMs === undefined ? done : { requeueAfterMs: nextCheckMs };
  }

  async function claimPods(set: SeenStatefulSet): Promise<SeenPod[]> {
    const candidates = [...pods.ownedBy(set.metadata.uid), ...orphansOf(pods, set.metadata.namespace)];
    const claim = planClaim(set, candidates, (pod) => matches(set, pod));
    return await carryOutClaim(client, set, StatefulSet, Pod, claim);
  }

  async function createMember(set: SeenStatefulSet, ordinal: number, revision: SeenRevision): Promise<void> {
    const name = podName(set, ordinal);
    for (const claim of claimsFor(set, ordinal))
      await ifFree(() => client.create(PersistentVolumeClaim, claim));
    const pod = statefulPod(set, ordinal, templateOf(revision), revision.metadata.name);
    try {
      const created = await ifFree(() => client.create(Pod, pod)); // SS-1
      if (created !== undefined)
        tell(
          set,
          'Normal',
          'SuccessfulCreate',
          `create Pod ${name} in StatefulSet ${set.metadata.name} successful`,
        );
    } catch (error) {
      if (isNamespaceTerminating(error)) return;
      const why = `create Pod ${name} in StatefulSet ${set.metadata.name} failed error: ${errorMessage(error)}`;
      tell(set, 'Warning', 'FailedCreate', why);
      throw error;
    }
  }

  async function removeMember(set: SeenStatefulSet, pod: SeenPod): Promise<void> {
    try {
      await client.delete(Pod, refOf(pod), { preconditions: { uid: pod.metadata.uid } });
    } catch (error) {
      if (isStatus(error, 'NotFound', 'Conflict')) return;
      throw error;
    }
    const what = `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
    tell(set, 'Normal', 'SuccessfulDelete', what);
  }

  function tell(set: SeenStatefulSet, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { apiVersion, kind } = StatefulSet;
    events.event({ apiVersion, kind, metadata: set.metadata }, type, reason, message);
  }
}

function matches(set: SeenStatefulSet, pod: SeenPod): boolean {
  return (
    ordinalOf(set, pod) !== undefined && labelSelectorMatcher(set.spec.selector).matches(pod.metadata.labels)
  );
}
