import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CronJob, Job, type NewObject } from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import { type Harness, podSpec, startHarness } from '../testing/harness.ts';
import { cronJobController } from './controller.ts';
import { planCronJob } from './plan.ts';

const MINUTE_MS = 60_000;
const tick = (spec: Partial<CronJob['spec']> = {}): NewObject<CronJob> => ({
  metadata: { name: 'tick', namespace: 'default' },
  spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: podSpec } } }, ...spec },
});
const start = (spec: Partial<CronJob['spec']> = {}): Promise<Harness> =>
  startHarness((deps) => [cronJobController(deps)], {
    prepare: (client) => void client.seed(CronJob, tick(spec)),
  });
const names = ({ client }: Harness) => client.objects(Job).map(({ metadata }) => metadata.name);
const end = async ({ client, clock, quiet }: Harness, name: string, type = 'Complete') => {
  const now = rfc3339(clock.now());
  client.mutate(Job, `default/${name}`, (job) => {
    job.status = { completionTime: now, conditions: [{ type, status: 'True', lastTransitionTime: now }] };
  });
  await quiet();
};

test('CRJ-1 a Job starts at each schedule time, once, under the name of its minute', async (t) => {
  const harness = await start();
  t.after(harness.stop);
  assert.deepEqual(names(harness), []);
  const minute = harness.clock.now() / MINUTE_MS;
  await harness.pass(2 * MINUTE_MS + 1_000);
  assert.deepEqual(names(harness), [`tick-${minute + 1}`, `tick-${minute + 2}`]);
  const status = harness.client.find(CronJob, 'default/tick')?.status;
  assert.equal(status?.lastScheduleTime, rfc3339((minute + 2) * MINUTE_MS));
  assert.equal(status?.active?.length, 2);
});

test('CRJ-2 Forbid waits for the running one, Replace ends it', async (t) => {
  const forbid = await start({ concurrencyPolicy: 'Forbid' });
  t.after(forbid.stop);
  await forbid.pass(3 * MINUTE_MS);
  assert.equal(names(forbid).length, 1);
  assert.equal(forbid.events.at(-1)?.reason, 'JobAlreadyActive');
  await end(forbid, names(forbid)[0] ?? '');
  assert.deepEqual(
    forbid.events.filter(({ reason }) => reason === 'SawCompletedJob').map(({ message }) => message),
    [`Saw completed job: ${names(forbid)[0]}, condition: Complete`],
  );
  await forbid.pass(MINUTE_MS);
  assert.equal(names(forbid).length, 2);
  const replace = await start({ concurrencyPolicy: 'Replace' });
  t.after(replace.stop);
  await replace.pass(3 * MINUTE_MS);
  assert.equal(names(replace).length, 1);
});

test('ended Jobs beyond the history limits go, oldest first', async (t) => {
  const harness = await start({ successfulJobsHistoryLimit: 1 });
  t.after(harness.stop);
  for (let n = 0; n < 3; n++) {
    await harness.pass(MINUTE_MS);
    await end(harness, names(harness).at(-1) ?? '');
  }
  assert.equal(names(harness).length, 1);
});

test('a suspended or unreadable schedule starts nothing and says why', async (t) => {
  const suspended = await start({ suspend: true });
  t.after(suspended.stop);
  await suspended.pass(5 * MINUTE_MS);
  assert.deepEqual(names(suspended), []);
  const broken = await start({ schedule: 'whenever' });
  t.after(broken.stop);
  assert.equal(broken.events[0]?.reason, 'UnparseableSchedule');
});

const at = (text: string) => Date.parse(text);
const cases: [
  name: string,
  spec: Partial<CronJob['spec']>,
  last: string,
  now: string,
  want: string | undefined,
][] = [
  ['not yet', {}, '2026-01-01T10:00:00Z', '2026-01-01T10:00:59Z', undefined],
  ['due', {}, '2026-01-01T10:00:00Z', '2026-01-01T10:01:00Z', '2026-01-01T10:01:00Z'],
  [
    'CRJ-3 only the latest of many',
    {},
    '2026-01-01T00:00:00Z',
    '2026-01-03T10:01:30Z',
    '2026-01-03T10:01:00Z',
  ],
  [
    'too late',
    { schedule: '0 * * * *', startingDeadlineSeconds: 60 },
    '2026-01-01T09:59:00Z',
    '2026-01-01T10:02:00Z',
    undefined,
  ],
  [
    'a time zone',
    { schedule: '0 9 * * *', timeZone: 'Europe/Berlin' },
    '2026-01-01T00:00:00Z',
    '2026-01-01T08:30:00Z',
    '2026-01-01T08:00:00Z',
  ],
  [
    'a macro',
    { schedule: '@hourly' },
    '2026-01-01T09:30:00Z',
    '2026-01-01T10:30:00Z',
    '2026-01-01T10:00:00Z',
  ],
];
for (const [name, spec, last, now, want] of cases) {
  test(`what a schedule has due: ${name}`, () => {
    const metadata = {
      name: 'tick',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: last,
    };
    const { dueMs } = planCronJob(
      { ...tick(spec), metadata, status: { lastScheduleTime: last } },
      [],
      at(now),
    );
    assert.equal(dueMs === undefined ? undefined : rfc3339(dueMs), want);
  });
}
