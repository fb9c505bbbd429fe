import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallInfo } from '@kubelab/rpc';
import { learnerGuard } from './learner.ts';

const call = (path: string): CallInfo => ({ path: `/etcdserverpb.${path}` }) as CallInfo;
const guard = (isLearner: boolean) => learnerGuard({ membership: { isLearner } as never });

describe('CONF-6 a learner', () => {
  for (const path of ['Maintenance/Status', 'Maintenance/Snapshot']) {
    test(`CONF-6 answers ${path}`, () => guard(true)({}, call(path)));
  }

  test('CONF-6 answers reads of its own state, and no others', () => {
    assert.equal(guard(true)({ serializable: true }, call('KV/Range')), undefined);
    assert.throws(() => guard(true)({ serializable: false }, call('KV/Range')), {
      details: 'etcdserver: rpc not supported for learner',
    });
  });

  for (const path of [
    'KV/Put',
    'KV/Txn',
    'Watch/Watch',
    'Lease/LeaseKeepAlive',
    'Cluster/MemberList',
    'Maintenance/HashKV',
  ]) {
    test(`CONF-6 refuses ${path}, which a voter answers`, () => {
      assert.throws(() => guard(true)(undefined, call(path)), { reason: 'learnerNotSupported' });
      assert.equal(guard(false)(undefined, call(path)), undefined);
    });
  }
});
