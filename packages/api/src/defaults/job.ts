import type { Job, JobSpec } from '../generated/types.ts';
import { defaultPodTemplate } from './pod-spec.ts';

const INT32_MAX = 2_147_483_647;

export function defaultJob(job: Job): void {
  if (job.spec === undefined) return;
  defaultJobSpec(job.spec);
  const { spec } = job;
  // Neither given: one pod, once. Completions alone stays absent: then any success ends the job.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  // With a limit for each index the job as a whole goes on.
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : INT32_MAX;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  spec.manualSelector ??= false;
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined && Object.keys(job.metadata.labels ?? {}).length === 0)
    job.metadata.labels = { ...labels };
}

/** What a job and a CronJob's template share. */
export function defaultJobSpec(spec: JobSpec): void {
  defaultPodTemplate(spec.template);
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True';
  }
}
