import assert from 'node:assert/strict';
import { realClock, seededRandom, silentLogger } from '@kubelab/component-base';
import { parseCluster } from '../shell/cluster.ts';
import { Member, type MemberOptions } from '../shell/member.ts';
import { MemoryDisk } from './memory-disk.ts';

/** A member that is its whole cluster, in this process and on a disk in memory, and differs from that by `options`. */
export function loneMember(options: Partial<MemberOptions> = {}): Promise<Member> {
  return Member.start({
    cluster: parseCluster(['one=http://127.0.0.1:1'], 'one', 't'),
    dataDir: '/data',
    clientUrls: ['http://127.0.0.1:2'],
    peerTls: undefined,
    heartbeatMs: 20,
    electionMs: 100,
    snapshotCount: 5000,
    quotaBytes: 1_000_000_000,
    clock: realClock,
    random: seededRandom(1),
    disk: new MemoryDisk(),
    log: silentLogger,
    fatal: (msg, error) => assert.fail(`${msg}: ${String(error)}`),
    ...options,
  });
}
