/**
 * One line of text for each thing that happens: the language of the scripts' traces and of a failed
 * simulation's last words.
 */
import {
  type ConfChange,
  type ConfState,
  decodeConfChange,
  type Entry,
  type Message,
  type Ready,
} from '../index.ts';

export function describeEntry({ index, term, type, data }: Entry): string {
  const text =
    type === 'conf-change' ? describeChange(decodeConfChange(data)) : new TextDecoder().decode(data);
  return `${index}/${term}${text === '' ? '' : ` ${text}`}`;
}

/** `+` makes a voter, `~` a learner, `-` removes; as the scripts write it. */
export function describeChange({ steps, transition }: ConfChange): string {
  if (steps.length === 0) return 'leave joint';
  const signs = { 'add-voter': '+', 'add-learner': '~', remove: '-' };
  const words = steps.map(({ type, node }) => `${signs[type]}${node}`);
  return [...words, ...(transition === 'auto' ? [] : [transition])].join(' ');
}

export function describeEntries(entries: readonly Entry[]): string {
  return `[${entries.map(describeEntry).join(', ')}]`;
}

export function describeConf(conf: ConfState): string {
  const parts = [`voters=${conf.voters.join(',')}`];
  if (conf.votersOutgoing.length > 0) parts.push(`outgoing=${conf.votersOutgoing.join(',')}`);
  if (conf.learners.length > 0) parts.push(`learners=${conf.learners.join(',')}`);
  if (conf.learnersNext.length > 0) parts.push(`learners-next=${conf.learnersNext.join(',')}`);
  if (conf.autoLeave) parts.push('auto-leave');
  return parts.join(' ');
}

export function describeMessage(message: Message): string {
  const term = message.term === 0 ? '' : ` term=${message.term}`;
  return `${message.from}→${message.to} ${message.type}${term}${content(message)}`;
}

function content(message: Message): string {
  switch (message.type) {
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message;
      const text = entries.length === 0 ? '' : ` ${describeEntries(entries)}`;
      return ` after=${prevIndex}/${prevTerm} commit=${commit}${text}`;
    }
    case 'append-response':
      if (!message.reject) return ` index=${message.index}`;
      return ` rejected=${message.index} hint=${message.hintIndex}/${message.hintTerm}`;
    case 'heartbeat':
      return ` commit=${message.commit}${round(message.round)}`;
    case 'commit':
      return ` ${message.commit}`;
    case 'heartbeat-response':
      return round(message.round);
    case 'snapshot': {
      const { index, term, conf } = message.snapshot.metadata;
      return ` ${index}/${term} ${describeConf(conf)}`;
    }
    case 'vote':
    case 'pre-vote': {
      const transfer = message.type === 'vote' && message.isTransfer ? ' transfer' : '';
      return ` last=${message.lastIndex}/${message.lastTerm}${transfer}`;
    }
    case 'vote-response':
    case 'pre-vote-response':
      return ` ${message.granted ? 'granted' : 'refused'} commit=${message.commit}/${message.commitTerm}`;
    case 'transfer-leader':
      return ` transferee=${message.transferee}`;
    case 'propose':
      return ` ${new TextDecoder().decode(message.data)}`;
    case 'read-index':
      return ` ${message.context}`;
    case 'read-index-response':
      return ` ${message.context} index=${message.index}`;
    case 'timeout-now':
      return '';
  }
}

function round(number: number): string {
  return number === 0 ? '' : ` round=${number}`;
}

export function describeReady(ready: Ready): string[] {
  const lines: string[] = [];
  const { softState, hardState, snapshot, entries, committed, reads } = ready;
  if (softState !== undefined) lines.push(`${softState.role}, leader ${softState.leader ?? 'unknown'}`);
  if (hardState !== undefined) {
    const { term, vote, commit } = hardState;
    lines.push(
      `hard state term=${term} vote=${vote ?? '-'} commit=${commit}${ready.mustSync ? '' : ' (no sync)'}`,
    );
  }
  if (snapshot !== undefined) {
    const { index, term, conf } = snapshot.metadata;
    lines.push(`snapshot ${index}/${term} ${describeConf(conf)}`);
  }
  if (entries.length > 0) lines.push(`write ${describeEntries(entries)}`);
  if (committed.length > 0) lines.push(`apply ${describeEntries(committed)}`);
  for (const read of reads) lines.push(`read ${read.context} at ${read.index}`);
  for (const message of ready.messages) lines.push(`send ${describeMessage(message)}`);
  for (const message of ready.messagesAfterWrite) lines.push(`send after write ${describeMessage(message)}`);
  return lines;
}
