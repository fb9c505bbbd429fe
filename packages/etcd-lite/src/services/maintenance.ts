import type { Init } from '@kubelab/rpc';
import {
  AlarmAction,
  type AlarmRequest,
  type AlarmResponse,
  type DefragmentResponse,
  type MoveLeaderRequest,
  type MoveLeaderResponse,
  type StatusResponse,
} from '@kubelab/rpc/etcd';
import type { Credentials } from '../auth/index.ts';
import { EtcdError } from '../core/errors.ts';
import { raftIdOf } from '../core/members.ts';
import type { Member } from '../shell/member.ts';
import { header, withHeader } from './header.ts';

/**
 * Clients switch features on by this: Kubernetes wants at least 3.5.13 before it reads consistently from its
 * watch cache.
 */
export const ETCD_VERSION = '3.5.21';

/** etcd's Maintenance service. */
export function maintenanceService(member: Member) {
  const { machine, options } = member;

  /** Of this member alone; answered without a quorum. */
  function status(): Init<StatusResponse> {
    const { term, commit, lastIndex, applied, isLearner } = member.raft.status();
    return {
      header: header(member),
      version: ETCD_VERSION,
      dbSize: member.diskBytes,
      dbSizeInUse: machine.store.bytes,
      dbSizeQuota: options.quotaBytes,
      leader: member.membership.idOf(member.leadership.leader),
      raftIndex: Math.max(commit, lastIndex),
      raftTerm: term,
      raftAppliedIndex: applied,
      isLearner,
      storageVersion: '3.5.0',
      errors: [
        ...(member.leadership.leader === undefined ? ['etcdserver: no leader'] : []),
        ...machine.state.alarms
          .values()
          .map(({ memberID, alarm }) => `memberID:${memberID} alarm:${ALARM_NAMES[alarm]} `),
      ],
    };
  }

  async function alarm(request: AlarmRequest, call?: Credentials): Promise<Init<AlarmResponse>> {
    if (request.action !== AlarmAction.GET) {
      await member.auth.requireRoot(call);
      return withHeader(member, await member.propose({ alarm: request }));
    }
    await member.auth.requireUser(call);
    const alarms = [...machine.state.alarms.values()];
    return {
      header: header(member),
      alarms: alarms.filter((raised) => request.alarm === 0 || raised.alarm === request.alarm),
    };
  }

  /**
   * What is no longer needed leaves the disk with every checkpoint; this makes one now. Requests go on
   * meanwhile.
   */
  async function defragment(): Promise<Init<DefragmentResponse>> {
    const before = member.diskBytes;
    await member.checkpoint();
    options.log.info('defragmented', { before, after: member.diskBytes });
    // etcd leaves the header out.
    return {};
  }

  async function moveLeader({ targetID }: MoveLeaderRequest): Promise<Init<MoveLeaderResponse>> {
    if (!member.leadership.isLeader) throw new EtcdError('notLeader');
    const target = member.membership.members.get(raftIdOf(targetID));
    if (target === undefined || target.isLearner) throw new EtcdError('badLeaderTransferee');
    if (targetID !== member.membership.id) await member.cluster.handover.transfer(target.raftId);
    // As in etcd, without a header.
    return {};
  }

  return { status, alarm, defragment, moveLeader };
}

const ALARM_NAMES = ['NONE', 'NOSPACE', 'CORRUPT'] as const;
