import type { PlantedBug } from './planted.ts';

const MEMBERSHIP = 'etcd-lite/src/shell/membership.ts';
const WRITE = 'etcd-lite/src/core/write.ts';

/** What has been got wrong where members come and go, and with requests of any shape. */
export const MEMBER_BUGS: readonly PlantedBug[] = [
  {
    name: 'what a learner has counts as what a voter has',
    file: 'raft-consensus/src/leader.ts',
    from: '(id) => leading.progress.get(id)?.match ?? 0);',
    to: '(id) => Math.max(...[id, ...core.conf.learners].map((each) => leading.progress.get(each)?.match ?? 0)));',
  },
  {
    name: 'a removed member stays a voter',
    file: 'raft-consensus/src/conf-change.ts',
    from: 'voters.delete(step.node);',
    to: "if (step.type !== 'remove') voters.delete(step.node);",
  },
  {
    name: 'a change of members counts as soon as it is proposed',
    file: 'raft-consensus/src/raft.ts',
    from: "return propose(this.#core, 'conf-change', encodeConfChange(change));",
    to: "const outcome = propose(this.#core, 'conf-change', encodeConfChange(change)); if (outcome === 'accepted') this.#core.conf = nextConf(this.#core.conf, change); return outcome;",
  },
  {
    name: 'a member that has moved is looked for where it was',
    file: 'etcd-lite/src/shell/member.ts',
    from: 'if (request.memberUpdate !== null) this.membership.changed();',
    to: '',
  },
  {
    name: 'a member that lost its data gets its old id back',
    file: 'etcd-lite/src/shell/joins.ts',
    from: 'const isNew = this.#hasPromisedNothing(member);',
    to: 'const isNew = true;',
  },
  {
    name: 'a write torn within the header of a record counts as damage',
    file: 'etcd-lite/src/wal/frame.ts',
    from: "if (isHeaderSplit(file, offset)) return { type: 'torn' };",
    to: '',
  },
  {
    name: 'a checkpoint forgets who was removed',
    file: 'etcd-lite/src/checkpoint/checkpoint-state.ts',
    from: 'removedMembers: state.members.removed,',
    to: 'removedMembers: [],',
  },
  {
    name: 'a checkpoint forgets that the store is full',
    file: 'etcd-lite/src/checkpoint/checkpoint-state.ts',
    from: 'alarms: [...state.alarms.values()],',
    to: 'alarms: [],',
  },
  {
    name: 'a full store goes on taking puts',
    file: 'etcd-lite/src/core/state-machine.ts',
    from: "if (needsSpace) throw new EtcdError('noSpace');",
    to: '',
  },
  {
    name: 'a request that comes late counts in a later term too',
    file: 'etcd-lite/src/core/state-machine.ts',
    from: 'if (request.term !== term) return undefined;',
    to: '',
  },
  {
    name: 'a transaction is not checked before it writes',
    file: WRITE,
    from: 'checkPlan(plan, writes, lessor);\n  const response',
    to: 'const response',
  },
  {
    name: 'a nested transaction compares after the writes before it',
    file: WRITE,
    from: 'responseTxn: run(nested, writes, lessor)',
    to: 'responseTxn: run(planTxn(writes, op.requestTxn), writes, lessor)',
  },
  {
    name: 'a put that keeps its lease loses it',
    file: WRITE,
    from: 'request.ignoreLease && previous !== undefined ? previous.lease : request.lease',
    to: 'request.lease',
  },
  {
    name: 'a lease that ends takes only one of its keys along',
    file: 'etcd-lite/src/core/state-machine.ts',
    from: 'of lessor.revoke(request.leaseRevoke.ID)) {',
    to: 'of lessor.revoke(request.leaseRevoke.ID).slice(0, 1)) {',
  },
  {
    name: 'the first event of a piece of a watch response is lost',
    file: 'etcd-lite/src/services/watch.ts',
    from: 'pieces.push([]);\n      bytes = 0;',
    to: 'pieces.push([]);\n      bytes = 0;\n      continue;',
  },
  {
    name: 'the last piece of a watch response says that more will come',
    file: 'etcd-lite/src/services/watch.ts',
    from: 'i < pieces.length - 1',
    to: 'i < pieces.length',
  },
];

/** What only a scenario meets often enough, by its title in `transfer.test.ts`. */
export const SCENARIO_BUGS: readonly (PlantedBug & { readonly title: string })[] = [
  {
    name: 'a member cannot answer a leader that was added after what it has applied',
    file: MEMBERSHIP,
    from: 'this.#met.set(raftId, urls);',
    to: '',
    title: 'never heard of',
  },
  {
    name: 'writes that met a leadership on the move wait for ever when the move fails',
    file: 'etcd-lite/src/shell/handover.ts',
    from: 'onOver();',
    to: '',
    title: 'cannot be reached',
  },
  {
    name: 'a change of members that is over early ends the process',
    file: 'etcd-lite/src/shell/member-changes.ts',
    from: 'applied.catch(() => undefined);',
    to: '',
    title: 'keeps a change of members waiting',
  },
];
