import { invalid, required } from '../field-errors.ts';
import type { CronJob } from '../generated/types.ts';
import { type Errors, nonNegative, oneOf } from './checks.ts';
import { cronError } from './cron.ts';
import { validateJobSpec } from './job.ts';

export function* validateCronJob({ spec }: CronJob): Errors {
  yield* validateSchedule(spec.schedule, spec.timeZone);
  yield* nonNegative('spec.startingDeadlineSeconds', spec.startingDeadlineSeconds);
  yield* oneOf('spec.concurrencyPolicy', spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace']);
  yield* nonNegative('spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit);
  yield* nonNegative('spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit);
  const template = spec.jobTemplate?.spec;
  if (template === undefined) {
    yield required('spec.jobTemplate.spec');
    return;
  }
  yield* validateJobSpec(template, 'spec.jobTemplate.spec');
  if (template.manualSelector === true) {
    yield {
      type: 'FieldValueNotSupported',
      field: 'spec.jobTemplate.spec.manualSelector',
      badValue: true,
      detail: 'supported values: "nil", "false"',
    };
  }
}

function* validateSchedule(schedule: string | undefined, timeZone: string | undefined): Errors {
  if (!schedule) yield required('spec.schedule');
  else if (schedule.includes('TZ')) {
    const why = 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead';
    yield invalid('spec.schedule', schedule, why);
  } else {
    const why = cronError(schedule);
    if (why !== undefined) yield invalid('spec.schedule', schedule, why);
  }
  if (timeZone === undefined) return;
  if (timeZone === '') yield invalid('spec.timeZone', timeZone, 'timeZone must be nil or non-empty string');
  else if (timeZone.toLowerCase() === 'local')
    yield invalid(
      'spec.timeZone',
      timeZone,
      'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    );
  else if (!isTimeZone(timeZone)) yield invalid('spec.timeZone', timeZone, `unknown time zone ${timeZone}`);
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
