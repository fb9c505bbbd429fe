import type { Init } from '@kubelab/rpc';
import type {
  Member as MemberInfo,
  MemberAddRequest,
  MemberAddResponse,
  MemberListRequest,
  MemberListResponse,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
} from '@kubelab/rpc/etcd';
import { EtcdError } from '../core/errors.ts';
import { memberIdOf, type MemberRecord, type NewMember, raftIdOf } from '../core/members.ts';
import { isUrl } from '../flags/urls.ts';
import { newMemberId } from '../shell/cluster.ts';
import type { Member } from '../shell/member.ts';
import { headerWithoutRevision } from './header.ts';

/** etcd's Cluster service. */
export function clusterService(member: Member) {
  const { options, cluster } = member;

  async function add(request: MemberAddRequest): Promise<Init<MemberAddResponse>> {
    const peerUrls = validUrls(request.peerURLs);
    const added: NewMember = {
      raftId: newMemberId(peerUrls, options.clock.now()),
      peerUrls,
      isLearner: request.isLearner,
      autoPromote: request.isLearner && request.autoPromote,
    };
    const { learnersMax } = cluster;
    const replaced = raftIdOf(request.replaces);
    const members = await cluster.changes.change(
      request.replaces === 0
        ? { kind: 'add', member: added, learnersMax }
        : {
            kind: 'replace',
            raftId: replaced,
            member: { ...added, isLearner: true, autoPromote: true },
            learnersMax,
          },
    );
    const { raftId, isLearner } = added;
    return {
      header: headerWithoutRevision(member),
      member: { ID: memberIdOf(raftId), peerURLs: peerUrls, isLearner: isLearner || request.replaces !== 0 },
      members: members.map(infoOf),
    };
  }

  async function remove({ ID }: MemberRemoveRequest): Promise<Init<MemberListResponse>> {
    return listed(await cluster.changes.change({ kind: 'remove', raftId: raftIdOf(ID) }));
  }

  async function promote({ ID }: MemberPromoteRequest): Promise<Init<MemberListResponse>> {
    return listed(await cluster.changes.change({ kind: 'promote', raftId: raftIdOf(ID) }));
  }

  /** Only URLs: what is none would be in the log, and end each member that looks for another there (etcd's too). */
  async function update({ ID, peerURLs }: MemberUpdateRequest): Promise<Init<MemberListResponse>> {
    validUrls(peerURLs);
    await member.propose({ memberUpdate: { raftId: raftIdOf(ID), peerUrls: [...peerURLs] } });
    return listed(member.membership.members.all());
  }

  async function list({ linearizable }: MemberListRequest): Promise<Init<MemberListResponse>> {
    if (linearizable) await member.linearize();
    return listed(member.membership.members.all());
  }

  function listed(members: readonly MemberRecord[]): Init<MemberListResponse> {
    return { header: headerWithoutRevision(member), members: members.map(infoOf) };
  }

  return { add, remove, update, promote, list };
}

function infoOf({ raftId, name, peerUrls, clientUrls, isLearner }: MemberRecord): MemberInfo {
  return { ID: memberIdOf(raftId), name, peerURLs: peerUrls, clientURLs: clientUrls, isLearner };
}

/** Trimmed and sorted, as etcd's `types.NewURLs` gives them. */
function validUrls(urls: readonly string[]): string[] {
  const trimmed = urls.map((url) => url.trim());
  if (trimmed.length === 0 || !trimmed.every(isUrl)) throw new EtcdError('memberBadUrls');
  return trimmed.sort();
}
