import type { CronJob, Job } from '../generated/types.ts';
import { isConditionTrue } from '../helpers/conditions.ts';
import { formatLabelSelector } from '../selectors/labels.ts';
import { ageOf, humanDuration, timestampMs } from './age.ts';
import { boolText, columns, containerCells, NONE, type TablePrinter } from './table.ts';

export const jobPrinter: TablePrinter<Job> = {
  columns: columns('Name', 'Status', 'Completions', 'Duration', 'Age', '|Containers', '|Images', '|Selector'),
  cells: (job, nowMs) => [
    job.metadata.name,
    jobStatus(job),
    completions(job),
    duration(job, nowMs),
    ageOf(job.metadata.creationTimestamp, nowMs),
    ...containerCells(job.spec.template?.spec),
    formatLabelSelector(job.spec.selector),
  ],
};

function jobStatus(job: Job): string {
  const has = (type: string) => isConditionTrue(job.status?.conditions, type);
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(has) ?? 'Running';
}

function completions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function duration({ status }: Job, nowMs: number): string {
  const startMs = timestampMs(status?.startTime);
  if (startMs === undefined) return '';
  return humanDuration((timestampMs(status?.completionTime) ?? nowMs) - startMs);
}

export const cronJobPrinter: TablePrinter<CronJob> = {
  columns: columns(
    'Name',
    'Schedule',
    'Timezone',
    'Suspend',
    'Active:integer',
    'Last Schedule',
    'Age',
    '|Containers',
    '|Images',
    '|Selector',
  ),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    spec.schedule,
    spec.timeZone ?? NONE,
    boolText(spec.suspend),
    (status?.active ?? []).length,
    status?.lastScheduleTime ? ageOf(status.lastScheduleTime, nowMs) : NONE,
    ageOf(metadata.creationTimestamp, nowMs),
    ...containerCells(spec.jobTemplate?.spec?.template?.spec),
    formatLabelSelector(spec.jobTemplate?.spec?.selector),
  ],
};
