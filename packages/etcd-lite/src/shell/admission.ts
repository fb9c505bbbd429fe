import { type Clock, type Logger, UsageError } from '@kubelab/component-base';
import { RpcError } from '@kubelab/rpc';
import { joinStep, nextAdmissionStep } from '../core/admission.ts';
import { memberIdOf, type MemberRecord, plainRecord } from '../core/members.ts';
import type { PeerCall } from '../transport/peer-calls.ts';
import { REMOVED_TEXT } from '../transport/caller.ts';
import type { ClusterDescription, JoinRequest, JoinResponse } from '../wire.ts';
import type { Cluster, ClusterMember } from './cluster.ts';
import { type Founding, foundingOf, NOTHING } from './founding.ts';

export interface AdmissionOptions {
  readonly cluster: Cluster;
  readonly call: PeerCall;
  readonly clock: Clock;
  readonly log: Logger;
  /** From now on the others may be told that there is no data here. */
  readonly onFresh: () => void;
  /** That member has asked this one how things are: it had no data then. */
  readonly hasAsked: (raftId: string) => boolean;
}

/** This member was removed from the cluster, and is to end. */
export class RemovedError extends Error {
  constructor() {
    super(REMOVED_TEXT);
    this.name = 'RemovedError';
  }
}

const POLL_MS = 40;
const POLL_SLOW_MS = 400;
/** Polled quickly as long as all may just be starting. */
const QUICK_POLLS = 100;
const DESCRIBE_TIMEOUT_MS = 1000;
/** Until a replacement is committed and applied. */
const JOIN_TIMEOUT_MS = 10_000;
/** How long one that joins looks for a leader. */
const LEADER_PATIENCE_MS = 5000;
/** etcd's, for one peer that is asked about a cluster that exists. */
const EXISTING_TIMEOUT_MS = 10_000;

/** How a member without data begins. One that was removed never does: `onRemoved` ends it. */
export function admission(
  options: AdmissionOptions & { readonly isNew: boolean; readonly onRemoved: () => void },
): () => Promise<Founding> {
  return async () => {
    try {
      return await (options.isNew ? admitNew(options) : admitExisting(options));
    } catch (error) {
      if (!(error instanceof RemovedError)) throw error;
      options.log.error(error.message, { advice: 'to bring it back, add it as a new member' });
      options.onRemoved();
      return new Promise(() => undefined);
    }
  };
}

/**
 * `--initial-cluster-state=new` without data: resolves when it is clear whether the cluster is new, or this
 * member has only lost its data. As long as too few others answer nobody can tell, and nothing could be decided
 * anyway.
 */
export async function admitNew(options: AdmissionOptions): Promise<Founding> {
  const { cluster, clock, log, call, hasAsked } = options;
  const others = cluster.members.filter((member) => member !== cluster.self);
  options.onFresh();
  if (others.length === 0) return foundingOf(cluster);
  const asking = { raftId: cluster.self.raftId };
  const answers = new Map<string, ClusterDescription>();
  const stop = new AbortController();
  const news = new News();
  for (const other of others) void poll(other);
  try {
    for (;;) {
      const seen = news.next();
      const step = nextAdmissionStep(cluster.id, cluster.members.length, [...answers.values()], hasAsked);
      if (step.kind === 'foreign') throw new ClusterMismatchError(cluster.id, step.clusterId);
      if (step.kind === 'found') {
        return { ...foundingOf(cluster), term: step.term, vote: cluster.self.raftId };
      }
      if (step.kind === 'join') {
        log.info('there is a cluster already: asking its leader', { leader: step.leader });
        const joined = await tryJoin(options, step.urls, cluster.self.raftId, cluster.id);
        if (joined !== undefined) return joined;
        await clock.sleep(POLL_SLOW_MS);
      }
      await seen;
    }
  } finally {
    stop.abort();
  }

  async function poll({ raftId, peerUrls }: ClusterMember): Promise<void> {
    for (let count = 0; !stop.signal.aborted; count++) {
      try {
        const answer = await call<ClusterDescription>(
          peerUrls[count % peerUrls.length] ?? '',
          'Describe',
          asking,
          DESCRIBE_TIMEOUT_MS,
        );
        answers.set(raftId, answer);
        news.tell();
      } catch (err) {
        log.debug('peer does not answer yet', { peer: raftId, err });
      }
      if (count === QUICK_POLLS) log.info('waiting for the other members', { answered: answers.size });
      await clock.sleep(count < QUICK_POLLS ? POLL_MS : POLL_SLOW_MS);
    }
  }
}

/**
 * `--initial-cluster-state=existing` without data: who we are is what the others say.
 * Throws etcd's words where the flags do not fit the cluster.
 */
export async function admitExisting(options: AdmissionOptions): Promise<Founding> {
  const { clock, log } = options;
  const untilMs = clock.monotonic() + LEADER_PATIENCE_MS;
  for (;;) {
    const { description, self } = await whoWeAre(options);
    const { clusterId, members, term } = description;
    const step = joinStep([description]);
    log.info('joining a cluster', { cluster: clusterId.toString(16), member: self.raftId });
    if (step.kind === 'join') {
      const joined = await tryJoin(options, step.urls, self.raftId, clusterId);
      if (joined !== undefined) return joined;
    }
    const voterCount = members.filter(({ isLearner }) => !isLearner).length;
    const isSecondVoter = !self.isLearner && voterCount === 2 && self.clientUrls.length === 0;
    // There is no leader because its vote is missing, and whatever it may have promised, the first voter knows. Of
    // three, the one that answers may only have missed what the others decided, and be elected by one that forgot.
    if (step.kind === 'wait' && isSecondVoter) {
      return newcomer(options, clusterId, { raftId: self.raftId, term, vote: self.raftId, members });
    }
    if (clock.monotonic() > untilMs) throw new NotAdmittedError(self.raftId);
    await clock.sleep(POLL_SLOW_MS);
  }
}

class NotAdmittedError extends Error {
  constructor(raftId: string) {
    super(`the cluster has no leader that could say what member ${raftId} may do without the data it had`);
    this.name = 'NotAdmittedError';
  }
}

/** The peers of the flags are another cluster. */
class ClusterMismatchError extends Error {
  constructor(own: number, found: number) {
    super(
      `cluster ID mismatch: the flags describe cluster ${own.toString(16)}, its peers belong to ${found.toString(16)}; ` +
        'check --initial-cluster and --initial-cluster-token, or join with --initial-cluster-state=existing',
    );
    this.name = 'ClusterMismatchError';
  }
}

/** Undefined: that one does not lead (any more), or could not decide now. */
async function tryJoin(
  options: AdmissionOptions,
  leaderUrls: readonly string[],
  raftId: string,
  clusterId: number,
): Promise<Founding | undefined> {
  const { cluster, call, log } = options;
  const { name, peerUrls } = cluster.self;
  const request: JoinRequest = { raftId, name, peerUrls };
  for (const url of leaderUrls) {
    // The others have not noticed yet: that leader was this very member, before it lost its data.
    if (peerUrls.includes(url)) return undefined;
    try {
      const joined = await call<JoinResponse>(url, 'Join', request, JOIN_TIMEOUT_MS);
      const isFounder = joined.raftId === cluster.self.raftId && clusterId === cluster.id;
      if (!isFounder) return newcomer(options, clusterId, joined);
      return { ...foundingOf(cluster), term: joined.term, vote: joined.vote };
    } catch (err) {
      if (err instanceof RpcError && err.details === REMOVED_TEXT) throw new RemovedError();
      log.info('the leader did not admit this member yet', { leader: url, err });
    }
  }
  return undefined;
}

function newcomer(
  { cluster }: AdmissionOptions,
  clusterId: number,
  { raftId, term, vote, members }: JoinResponse,
): Founding {
  const { name } = cluster.self;
  return {
    clusterId,
    raftId,
    name,
    isFounder: false,
    first: NOTHING,
    term,
    vote,
    members: members.map(plainRecord),
  };
}

/**
 * By the first member whose word fits the flags. One of them may not have heard yet that this one was added: what the
 * first says against it counts only when none says otherwise.
 */
async function whoWeAre({ cluster, call, log }: AdmissionOptions): Promise<Recognition> {
  const urls = cluster.members
    .filter((member) => member !== cluster.self)
    .flatMap(({ peerUrls }) => peerUrls);
  const objections: Error[] = [];
  for (const url of urls.toSorted()) {
    try {
      const description = await call<ClusterDescription>(url, 'Describe', {}, EXISTING_TIMEOUT_MS);
      if (description.members.length > 0) return { description, self: validate(cluster, description) };
    } catch (err) {
      if (err instanceof UsageError || err instanceof RemovedError) objections.push(err);
      else log.warn('failed to get cluster response', { address: url, err });
    }
  }
  const [objection] = objections;
  if (objection !== undefined) throw objection;
  throw new Error(
    'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs',
  );
}

interface Recognition {
  readonly description: ClusterDescription;
  readonly self: MemberRecord;
}

/** etcd's `ValidateClusterAndAssignIDs`: the flags must name exactly the members that there are. */
function validate(cluster: Cluster, { members, removedMembers }: ClusterDescription): MemberRecord {
  const names = members.map(({ raftId, peerUrls }) => `{${raftId} ${peerUrls.join(',')}}`).join(' ');
  const fail = (why: string): never => {
    throw new UsageError(`error validating peerURLs ${names}: ${why}`);
  };
  const same = ({ peerUrls }: ClusterMember | MemberRecord): string => peerUrls.toSorted().join(',');
  const self = members.find((member) => same(member) === same(cluster.self));
  if (self === undefined && removedMembers.includes(cluster.self.raftId)) throw new RemovedError();
  if (members.length !== cluster.members.length) fail('member count is unequal');
  for (const member of members) {
    if (cluster.members.some((flag) => same(flag) === same(member))) continue;
    fail(
      `PeerURLs: no match found for existing member (${memberIdOf(member.raftId).toString(16)}, [${same(member)}])`,
    );
  }
  if (self === undefined) return fail(`couldn't find local name "${cluster.self.name}" in the cluster`);
  return self;
}

/** Wakes whoever waits for something to have changed since it looked. */
class News {
  #next = Promise.withResolvers<void>();

  next(): Promise<void> {
    return this.#next.promise;
  }

  tell(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
