import { confChange, type ConfChange, decodeConfChange, encodeConfChange, type Entry } from 'raft-consensus';
import { type MemberChange, stepsOf } from './members.ts';

/** A change as it travels in a `conf-change` entry, with the member that waits for it. */
export interface ProposedChange {
  readonly change: MemberChange;
  readonly proposer: string;
  readonly id: number;
}

export function confChangeOf(proposed: ProposedChange): ConfChange {
  return confChange(stepsOf(proposed.change), JSON.stringify(proposed));
}

export function changeEntry(
  proposed: ProposedChange,
  at: { readonly term: number; readonly index: number },
): Entry {
  return { ...at, type: 'conf-change', data: encodeConfChange(confChangeOf(proposed)) };
}

/** Undefined: an entry with which Raft leaves a joint configuration. */
export function proposedChange(entry: Entry): ProposedChange | undefined {
  const { context } = decodeConfChange(entry.data);
  return context === '' ? undefined : (JSON.parse(context) as ProposedChange);
}
