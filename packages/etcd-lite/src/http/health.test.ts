import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { must } from '@kubelab/component-base';
import { AlarmType } from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import { checkHandlers, HealthCounts, healthHandler, type Probed } from './health.ts';
import { request, textOf } from './testing/request.ts';

const well: Probed = { hasLeader: true, isLearner: false, alarms: [], read: () => Promise.resolve() };
const noQuorum: Partial<Probed> = {
  read: ({ serializable }) => (serializable ? Promise.resolve() : Promise.reject(new EtcdError('timeout'))),
};
const corrupt: Partial<Probed> = {
  alarms: [AlarmType.CORRUPT],
  read: () => Promise.reject(new EtcdError('corrupt')),
};

async function get(state: Partial<Probed>, url: string): Promise<[number, string]> {
  const member = { ...well, ...state };
  const counts = new HealthCounts();
  const handlers = new Map([['/health', healthHandler(member, counts)], ...checkHandlers(member, counts)]);
  const asked = request(url);
  const response = await must(handlers.get(asked.path), url)(asked);
  return [response.status, await textOf(response)];
}

suite('health over HTTP', () => {
  const healthy = '{"health":"true","reason":""}';
  const unhealthy = (reason: string): string => `{"health":"false","reason":"${reason}"}\n`;
  const cases: readonly (readonly [string, Partial<Probed>, string, number, string])[] = [
    ['all is well', {}, '/health', 200, healthy],
    ['there is no leader', { hasLeader: false }, '/health', 503, unhealthy('RAFT NO LEADER')],
    [
      'there is no leader, and none is asked for',
      { hasLeader: false },
      '/health?serializable=true',
      200,
      healthy,
    ],
    ['space has run out', { alarms: [AlarmType.NOSPACE] }, '/health', 503, unhealthy('ALARM NOSPACE')],
    ['that alarm is overlooked', { alarms: [AlarmType.NOSPACE] }, '/health?exclude=NOSPACE', 200, healthy],
    [
      'another alarm is overlooked',
      { alarms: [AlarmType.NOSPACE, AlarmType.CORRUPT] },
      '/health?exclude=NOSPACE',
      503,
      unhealthy('ALARM CORRUPT'),
    ],
    [
      'nobody confirms reads',
      noQuorum,
      '/health',
      503,
      unhealthy('RANGE ERROR:etcdserver: request timed out'),
    ],
    ['the process is up, without a quorum', noQuorum, '/livez', 200, 'ok\n'],
    [
      'it cannot serve',
      noQuorum,
      '/readyz',
      503,
      '[+]data_corruption ok\n[+]serializable_read ok\n[-]linearizable_read failed: etcdserver: request timed out\n[+]non_learner ok\n\n',
    ],
    ['that check is left out', noQuorum, '/readyz?exclude=linearizable_read&exclude=bogus', 200, 'ok\n'],
    [
      'a check alone',
      noQuorum,
      '/readyz/linearizable_read',
      503,
      '[-]linearizable_read failed: etcdserver: request timed out\n\n',
    ],
    [
      'another alone, in words',
      noQuorum,
      '/readyz/serializable_read?verbose',
      200,
      '[+]serializable_read ok\nok\n',
    ],
    [
      'a learner',
      { isLearner: true },
      '/readyz/non_learner',
      503,
      '[-]non_learner failed: not supported for learner\n\n',
    ],
    [
      'damage',
      corrupt,
      '/readyz/data_corruption',
      503,
      '[-]data_corruption failed: alarm activated: CORRUPT\n\n',
    ],
    [
      'damage, and the process',
      corrupt,
      '/livez',
      503,
      '[-]serializable_read failed: etcdserver: corrupt cluster\n\n',
    ],
  ];
  for (const [title, state, url, status, body] of cases)
    test(`${title}: ${url}`, async () => assert.deepEqual(await get(state, url), [status, body]));

  test('what checks found is counted', async () => {
    const counts = new HealthCounts();
    const member = { ...well, ...noQuorum };
    await healthHandler(member, counts)(request('/health'));
    await healthHandler(member, counts)(request('/health?serializable=true'));
    for (const [path, handler] of checkHandlers(member, counts))
      if (path === '/readyz') await handler(request(path));
    assert.deepEqual([counts.successes, counts.failures], [1, 1]);
    assert.deepEqual(counts.checks.get('readyz linearizable_read'), {
      successes: 0,
      failures: 1,
      isHealthy: false,
    });
  });
});
