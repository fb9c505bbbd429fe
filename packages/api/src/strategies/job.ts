import type { Job } from '../generated/types.ts';

/** Who names no selector gets one by uid: no other job's pods can ever match it. */
export function generateJobSelector(job: Job): void {
  if (job.spec.manualSelector === true || job.spec.template === undefined) return;
  const { name, uid } = job.metadata;
  const { template } = job.spec;
  template.metadata ??= {};
  template.metadata.labels = {
    ...template.metadata.labels,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  job.spec.selector ??= {};
  job.spec.selector.matchLabels = {
    ...job.spec.selector.matchLabels,
    'batch.kubernetes.io/controller-uid': uid,
  };
}
