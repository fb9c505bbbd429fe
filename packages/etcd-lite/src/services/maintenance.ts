import type { Init } from '@kubelab/rpc';
import {
  AlarmAction,
  type AlarmRequest,
  type AlarmResponse,
  type DefragmentResponse,
  type Member as MemberInfo,
  type MemberListRequest,
  type MemberListResponse,
  type MoveLeaderRequest,
  type MoveLeaderResponse,
  type StatusResponse,
} from '@kubelab/rpc/etcd';
import type { Credentials } from '../auth/index.ts';
import { EtcdError } from '../core/errors.ts';
import type { Member } from '../shell/member.ts';
import { header, withHeader } from './header.ts';

/**
 * Clients switch features on by this: Kubernetes wants at least 3.5.13 before it reads consistently from its
 * watch cache.
 */
export const ETCD_VERSION = '3.5.21';

/** etcd's Maintenance and Cluster services. */
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
      leader: memberId(member.leadership.leader),
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
    return { header: header(member) };
  }

  async function moveLeader({ targetID }: MoveLeaderRequest): Promise<Init<MoveLeaderResponse>> {
    if (!member.leadership.isLeader) throw new EtcdError('notLeader');
    const target = options.cluster.members.find(({ id }) => id === targetID);
    if (target === undefined) throw new EtcdError('badLeaderTransferee');
    if (target !== options.cluster.self) await member.transferLeadership(target.raftId);
    return { header: header(member) };
  }

  async function memberList({ linearizable }: MemberListRequest): Promise<Init<MemberListResponse>> {
    if (linearizable) await member.linearize();
    const { voters, learners } = member.raft.status().conf;
    const members = options.cluster.members
      .filter(({ raftId }) => voters.includes(raftId) || learners.includes(raftId))
      .map(
        ({ id, raftId, peerUrls }): MemberInfo => ({
          ID: id,
          // A member that has never started has no name yet, as in etcd.
          name: machine.state.members.get(raftId)?.name ?? '',
          peerURLs: peerUrls,
          clientURLs: machine.state.members.get(raftId)?.clientUrls ?? [],
          isLearner: learners.includes(raftId),
        }),
      );
    return { header: header(member), members };
  }

  function memberId(raftId: string | undefined): number {
    return options.cluster.members.find((each) => each.raftId === raftId)?.id ?? 0;
  }

  return { status, alarm, defragment, moveLeader, memberList };
}

const ALARM_NAMES = ['NONE', 'NOSPACE', 'CORRUPT'] as const;
