import type { CronJob } from '../generated/types.ts';
import { defaultJobSpec } from './job.ts';

export function defaultCronJob(cronJob: CronJob): void {
  const spec = cronJob.spec;
  if (spec === undefined) return;
  spec.concurrencyPolicy ||= 'Allow';
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  if (spec.jobTemplate?.spec !== undefined) defaultJobSpec(spec.jobTemplate.spec);
}
