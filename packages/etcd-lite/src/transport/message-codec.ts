import { unreachable } from '@kubelab/component-base';
import type { Init } from '@kubelab/rpc';
import type { ConfState, Entry, HardState, Message, MessageType, SnapshotMetadata } from 'raft-consensus';
import type { WalRecord, WireConfState, WireEntry, WireMessage, WireSnapshotMetadata } from '../wire.ts';

export function entryToWire({ term, index, type, data }: Entry): WireEntry {
  return { term, index, isConfChange: type === 'conf-change', data };
}

export function entryFromWire({ term, index, isConfChange, data }: WireEntry): Entry {
  return { term, index, type: isConfChange ? 'conf-change' : 'normal', data };
}

export function hardStateToWire({ term, vote, commit }: HardState): NonNullable<WalRecord['hardState']> {
  return { term, vote: vote ?? '', commit };
}

export function confFromWire(conf: WireConfState | null): ConfState {
  return {
    voters: conf?.voters ?? [],
    learners: conf?.learners ?? [],
    votersOutgoing: conf?.votersOutgoing ?? [],
    learnersNext: conf?.learnersNext ?? [],
    autoLeave: conf?.autoLeave ?? false,
  };
}

export function metadataFromWire({ index, term, conf }: WireSnapshotMetadata): SnapshotMetadata {
  return { index, term, conf: confFromWire(conf) };
}

/** One flat message for the whole union: what a kind does not use stays away from the wire. */
export function messageToWire(message: Message): Init<WireMessage> {
  const { type, from, to, term } = message;
  const envelope = { type, from, to, term };
  switch (message.type) {
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message;
      return { ...envelope, index: prevIndex, logTerm: prevTerm, entries: entries.map(entryToWire), commit };
    }
    case 'append-response': {
      const { index, reject, hintIndex, hintTerm } = message;
      return { ...envelope, index, reject, hintIndex, hintTerm };
    }
    case 'heartbeat':
      return { ...envelope, commit: message.commit, round: message.round };
    case 'heartbeat-response':
      return { ...envelope, round: message.round };
    case 'commit':
      return { ...envelope, commit: message.commit };
    case 'snapshot':
      return { ...envelope, snapshot: message.snapshot.metadata };
    case 'vote':
      return {
        ...envelope,
        index: message.lastIndex,
        logTerm: message.lastTerm,
        isTransfer: message.isTransfer,
      };
    case 'pre-vote':
      return { ...envelope, index: message.lastIndex, logTerm: message.lastTerm };
    case 'vote-response':
    case 'pre-vote-response':
      return {
        ...envelope,
        granted: message.granted,
        commit: message.commit,
        logTerm: message.commitTerm,
      };
    case 'timeout-now':
      return envelope;
    case 'transfer-leader':
      return { ...envelope, text: message.transferee };
    case 'propose':
      return { ...envelope, text: message.entryType, data: message.data };
    case 'read-index':
      return { ...envelope, text: message.context };
    case 'read-index-response':
      return { ...envelope, text: message.context, index: message.index };
    default:
      return unreachable(message);
  }
}

/** Undefined: a kind that this version does not know. */
export function messageFromWire(wire: WireMessage): Message | undefined {
  const { from, to, term } = wire;
  const envelope = { from, to, term };
  // The peer speaks the same proto file; what it says as `type` is checked by the switch.
  const type = wire.type as MessageType;
  switch (type) {
    case 'append':
      return {
        ...envelope,
        type,
        prevIndex: wire.index,
        prevTerm: wire.logTerm,
        entries: wire.entries.map(entryFromWire),
        commit: wire.commit,
      };
    case 'append-response': {
      const { index, reject, hintIndex, hintTerm } = wire;
      return { ...envelope, type, index, reject, hintIndex, hintTerm };
    }
    case 'heartbeat':
      return { ...envelope, type, commit: wire.commit, round: wire.round };
    case 'heartbeat-response':
      return { ...envelope, type, round: wire.round };
    case 'commit':
      return { ...envelope, type, commit: wire.commit };
    case 'snapshot':
      if (wire.snapshot === null) return undefined;
      return { ...envelope, type, snapshot: { metadata: metadataFromWire(wire.snapshot) } };
    case 'vote':
      return {
        ...envelope,
        type,
        lastIndex: wire.index,
        lastTerm: wire.logTerm,
        isTransfer: wire.isTransfer,
      };
    case 'pre-vote':
      return { ...envelope, type, lastIndex: wire.index, lastTerm: wire.logTerm };
    case 'vote-response':
    case 'pre-vote-response':
      return { ...envelope, type, granted: wire.granted, commit: wire.commit, commitTerm: wire.logTerm };
    case 'timeout-now':
      return { ...envelope, type };
    case 'transfer-leader':
      return { ...envelope, type, transferee: wire.text };
    case 'propose':
      return {
        ...envelope,
        type,
        entryType: wire.text === 'conf-change' ? 'conf-change' : 'normal',
        data: wire.data,
      };
    case 'read-index':
      return { ...envelope, type, context: wire.text };
    case 'read-index-response':
      return { ...envelope, type, context: wire.text, index: wire.index };
    default:
      return undefined;
  }
}
