import type { Clock } from '@kubelab/component-base';
import { confOf, emptyHardState, emptyLog, type Message, Raft } from 'raft-consensus';

const IDS = ['a', 'b', 'c'] as const;
const ENTRY = Uint8Array.of(0);

/** After so many the code is as quick as it gets; together they take 7 ms. */
const FIRST_COUNT = 10;
/** V8 forgets code that nobody runs. */
const AGAIN_MS = 60_000;

/** Keeps the code of elections at hand; returns what ends that. */
export function keepRehearsed(clock: Pick<Clock, 'setTimer'>): () => void {
  rehearseElections(FIRST_COUNT);
  const again = (): void => {
    rehearseElections(1);
    timer = clock.setTimer(AGAIN_MS, again);
  };
  let timer = clock.setTimer(AGAIN_MS, again);
  return () => timer.cancel();
}

/**
 * Three members in memory pass leadership round, `count` times; returns the term that they come to. It is done so that V8
 * has read and compiled that code before it is wanted: the first election of a process takes three times as long as its
 * tenth, and all clients wait for it.
 */
export function rehearseElections(count: number): number {
  const conf = confOf(IDS);
  const members = IDS.map(
    (id) => new Raft({ id }, { hardState: emptyHardState, conf, log: emptyLog }, { int: () => 0 }),
  );
  members[0]?.campaign();
  settle(members);
  for (let i = 0; i < count; i++) {
    const from = members[i % IDS.length];
    const to = members[(i + 1) % IDS.length];
    if (from === undefined || to === undefined) break;
    from.propose(ENTRY);
    settle(members);
    from.transferLeadership(to.id);
    settle(members);
  }
  return members[0]?.term ?? 0;
}

/** Until nobody has anything to do or say. */
function settle(members: readonly Raft[]): void {
  const inbox: Message[] = [];
  do {
    for (const message of inbox.splice(0)) members.find(({ id }) => id === message.to)?.step(message);
    for (const raft of members) {
      for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) {
        inbox.push(...ready.messages);
        raft.persisted(ready);
        inbox.push(...ready.messagesAfterWrite);
        raft.advance(ready);
      }
    }
  } while (inbox.length > 0);
}
