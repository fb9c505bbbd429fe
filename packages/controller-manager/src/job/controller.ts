/**
 * Job controller — runs pods until enough of them have succeeded.
 * Reads: jobs, pods (cache).  Writes: pods (and their tracking finalizer), jobs/status.
 * Invariants
 *   JOB-1  every finished pod is counted exactly once: its finalizer goes only after a status that lists it
 *          was written, and it
 *          moves from the list into the counters only after the finalizer is gone
 *   JOB-2  no create or delete while an earlier one of this key is unobserved (expectations)
 */
import {
  controllerOf,
  Job,
  type JobCondition,
  labelSelectorMatcher,
  type NewObject,
  nothing,
  objectKey,
  Pod,
  semanticEqual,
} from '@kubelab/api';
import { type ControllerDeps, type ControllerSpec, done, type ObjectKey, type Result } from '@kubelab/client';
import { rfc3339 } from '@kubelab/component-base';
import { refOf } from '../shared/objects.ts';
import { OwnedPods } from '../shared/owned-pods.ts';
import { podFromTemplate } from '../shared/pod-control.ts';
import type { SeenPod } from '../shared/pods.ts';
import { allOrThrow } from '../shared/slow-start.ts';
import { enqueueSelf } from '../shared/watching.ts';
import { ifThere } from '../shared/writes.ts';
import { INDEX, isFinished, type JobPlan, planJob, type SeenJob, TRACKING } from './plan.ts';

const WORKERS = 5;
/** Keys with this in front are pods whose job is gone. */
const ORPHAN = 'orphan:';

export function jobController(deps: ControllerDeps): ControllerSpec {
  const { client, informers, events, clock } = deps;
  const jobs = informers.of(Job);
  const pods = informers.of(Pod);
  const ownedPods = new OwnedPods(deps, {
    type: Job,
    owners: jobs,
    matcherOf: ({ spec: { selector } }) =>
      selector === undefined ? nothing : labelSelectorMatcher(selector),
  });

  return {
    name: 'job',
    workers: WORKERS,
    watch(enqueue) {
      enqueueSelf(jobs, enqueue);
      ownedPods.watch(enqueue);
      // Pods that outlive their job must not be held by a finalizer that nobody will take off.
      const wakeOrphan = (pod: SeenPod) => {
        if (isTracked(pod) && jobOf(pod) === undefined) enqueue(ORPHAN + objectKey(pod));
      };
      pods.addHandler({ onAdd: wakeOrphan, onUpdate: (_old, pod) => wakeOrphan(pod) });
      jobs.addHandler({ onDelete: ({ metadata }) => pods.ownedBy(metadata.uid).forEach(wakeOrphan) });
    },
    reconcile,
  };

  function jobOf(pod: SeenPod): SeenJob | undefined {
    const ref = controllerOf(pod);
    const job = ref?.kind === Job.kind ? jobs.get(`${pod.metadata.namespace}/${ref.name}`) : undefined;
    return job?.metadata.uid === ref?.uid ? job : undefined;
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    if (key.startsWith(ORPHAN)) {
      const pod = pods.get(key.slice(ORPHAN.length));
      if (pod !== undefined && isTracked(pod) && jobOf(pod) === undefined) await release(pod);
      return done;
    }
    const job = jobs.get(key);
    if (job === undefined) return done;
    if (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller')
      return done;
    const mayWrite = ownedPods.areMet(job);
    const owned = await ownedPods.claim(job);
    const plan = planJob(job, owned, clock.now(), rfc3339(clock.now()));
    let error: unknown;
    if (mayWrite) {
      error = await ownedPods.remove(job, plan.remove);
      error ??= await ownedPods.create(job, plan.create.length, (at) => podFor(job, plan.create[at]));
    }
    await writeStatus(job, plan); // before the release: JOB-1
    await allOrThrow(plan.release.map(release));
    if (error !== undefined) throw error;
    return plan.requeueAfterMs === undefined ? done : { requeueAfterMs: plan.requeueAfterMs };
  }

  async function writeStatus(job: SeenJob, plan: JobPlan): Promise<void> {
    const now = rfc3339(clock.now());
    let conditions: JobCondition[] = plan.status.conditions ?? [];
    let { status } = plan;
    if (plan.finished !== undefined) {
      const { type, reason, message } = plan.finished;
      conditions = [
        ...conditions,
        { type, status: 'True', reason, message, lastProbeTime: now, lastTransitionTime: now },
      ];
      if (type === 'Complete') status = { ...status, completionTime: now };
    }
    conditions = withSuspended(job, conditions, now);
    status = { ...status, conditions };
    if (semanticEqual(job.status, status)) return;
    await client.updateStatus(Job, { ...job, status });
    const { finished } = plan;
    if (finished?.type === 'Complete') tell(job, 'Normal', 'Completed', 'Job completed');
    else if (finished !== undefined) tell(job, 'Warning', finished.reason ?? '', finished.message ?? '');
  }

  async function release(pod: SeenPod): Promise<void> {
    const { uid, resourceVersion } = pod.metadata;
    const finalizers = (pod.metadata.finalizers ?? []).filter((name) => name !== TRACKING);
    const patch = { metadata: { uid, resourceVersion, finalizers } };
    await ifThere(() => client.patch(Pod, refOf(pod), patch, { type: 'merge' }));
  }

  function tell(job: SeenJob, type: 'Normal' | 'Warning', reason: string, message: string): void {
    events.event(
      { apiVersion: Job.apiVersion, kind: Job.kind, metadata: job.metadata },
      type,
      reason,
      message,
    );
  }
}

function isTracked(pod: SeenPod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) === true;
}

function podFor(job: SeenJob, index: number | undefined): NewObject<Pod> {
  const pod = podFromTemplate(job, Job, job.spec.template);
  const { metadata } = pod;
  metadata.finalizers = [...(metadata.finalizers ?? []), TRACKING];
  if (index === undefined) return pod;
  metadata.annotations = { ...metadata.annotations, [INDEX]: String(index) };
  metadata.labels = { ...metadata.labels, [INDEX]: String(index) };
  metadata.generateName = `${job.metadata.name}-${index}-`;
  pod.spec.hostname ??= `${job.metadata.name}-${index}`;
  for (const container of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    const fieldRef = { fieldPath: `metadata.labels['${INDEX}']` };
    container.env = [...(container.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef } }];
  }
  return pod;
}

function withSuspended(job: SeenJob, conditions: JobCondition[], now: string): JobCondition[] {
  const old = conditions.find(({ type }) => type === 'Suspended');
  const isSuspended = job.spec.suspend === true && !isFinished(job);
  if (isSuspended === (old?.status === 'True') || (old === undefined && !isSuspended)) return conditions;
  const [reason, message] = isSuspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'];
  const times = { lastProbeTime: now, lastTransitionTime: now };
  const suspended = { type: 'Suspended', status: isSuspended ? 'True' : 'False', reason, message, ...times };
  return [...conditions.filter(({ type }) => type !== 'Suspended'), suspended];
}
