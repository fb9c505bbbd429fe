import type { ResponseHeader } from '@kubelab/rpc/etcd';
import type { Member } from '../shell/member.ts';

/** Who answers, and from which revision; `revision` where the request itself determined it. */
export function header(member: Member, revision?: number): ResponseHeader {
  const { clusterId, id } = member.membership;
  return {
    clusterId,
    memberId: id,
    revision: revision ?? member.machine.store.revision,
    raftTerm: member.leadership.term,
  };
}

/** etcd's answers about members do not speak of the store. */
export function headerWithoutRevision(member: Member): ResponseHeader {
  return header(member, 0);
}

/** Completes the header of an applied request's response. */
export function withHeader(member: Member, response: object): { header: ResponseHeader } {
  const revision = (response as { header?: { revision?: number } }).header?.revision;
  return { ...response, header: header(member, revision) };
}
