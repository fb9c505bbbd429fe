import type { MemberRecord } from '../core/members.ts';

/** A voter of that id, which has a name and a peer URL, and has never been seen to start. */
export function memberRecord(raftId: string, more: Partial<MemberRecord> = {}): MemberRecord {
  return {
    raftId,
    name: raftId,
    peerUrls: [`http://${raftId}`],
    clientUrls: [],
    isLearner: false,
    autoPromote: false,
    life: '',
    ...more,
  };
}
