import type { Init } from '@kubelab/rpc';
import type {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseId,
  LeaseKeepAliveResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseRevokeResponse,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
} from '@kubelab/rpc/etcd';
import type { Credentials } from '../auth/index.ts';
import { checkKeys, checkLeaseKeys, isRoot } from '../core/auth/check-access.ts';
import { EtcdError } from '../core/errors.ts';
import { keyBytes, keyRange } from '../core/keys.ts';
import { LEASE_TTL_MAX } from '../core/lessor.ts';
import type { Member } from '../shell/member.ts';
import type { PeerQuestion } from '../transport/peers.ts';
import { header, withHeader } from './header.ts';

/** etcd's Lease service. Only the leader knows how long a lease still has: the others ask it. */
export function leaseService(member: Member) {
  const { machine, options, auth } = member;
  // A lease must outlive an election, or every failover would lose it.
  const ttlMin = Math.ceil((1.5 * options.electionMs) / 1000);
  const leaderTimeoutMs = 5000 + 2 * options.electionMs;

  async function grant(
    { ID, TTL }: LeaseGrantRequest,
    call?: Credentials,
  ): Promise<Init<LeaseGrantResponse>> {
    await auth.requireUser(call);
    if (TTL > LEASE_TTL_MAX) throw new EtcdError('leaseTtlTooLarge');
    const leaseGrant = { ID: ID === 0 ? newId() : ID, TTL: Math.max(Number(TTL), ttlMin) };
    return withHeader(member, await auth.propose({ leaseGrant }, call));
  }

  async function revoke(request: LeaseRevokeRequest, call?: Credentials): Promise<Init<LeaseRevokeResponse>> {
    await auth.requireUser(call);
    return withHeader(member, await auth.propose({ leaseRevoke: request }, call));
  }

  /** The header is taken before the renewal. */
  async function keepAlive(ID: LeaseId, call?: Credentials): Promise<Init<LeaseKeepAliveResponse>> {
    const before = header(member);
    // To keep a lease alive is as good as to write its keys.
    checkLeaseKeys(machine.state, await auth.requireUser(call), ID, 'write');
    return { header: before, ID, TTL: await renew(ID) };
  }

  async function timeToLive(
    request: LeaseTimeToLiveRequest,
    call?: Credentials,
  ): Promise<Init<LeaseTimeToLiveResponse>> {
    const who = await auth.requireUser(call);
    const answer = await askTimeToLive(request);
    // What was found is checked, not what this member would have found: it may be behind the leader.
    if (!isRoot(auth.store, who))
      for (const key of answer.keys ?? []) checkKeys(auth.store, who, keyRange(key), 'read');
    return answer;
  }

  /** Answered to another member too, which then checks on its own whether the caller may know. */
  async function askTimeToLive(request: LeaseTimeToLiveRequest): Promise<Init<LeaseTimeToLiveResponse>> {
    if (!member.leadership.isLeader) {
      const answer = await askLeader<LeaseTimeToLiveResponse>('LeaseTimeToLive', request);
      return { ...answer, header: header(member) };
    }
    await member.linearize();
    return ownTimeToLive(request);
  }

  function ownTimeToLive({ ID, keys }: LeaseTimeToLiveRequest): Init<LeaseTimeToLiveResponse> {
    const lease = machine.lessor.get(ID);
    if (lease === undefined) return { header: header(member), ID, TTL: -1 };
    return {
      header: header(member),
      ID,
      TTL: member.leases.remaining(ID) ?? lease.ttl,
      grantedTTL: lease.ttl,
      keys: keys ? [...lease.keys].sort().map(keyBytes) : [],
    };
  }

  async function leases(_request?: object, call?: Credentials): Promise<Init<LeaseLeasesResponse>> {
    await member.linearize();
    const who = await auth.requireUser(call);
    for (const { id } of machine.lessor.all()) checkLeaseKeys(machine.state, who, id, 'read');
    // As in etcd the next to expire comes first, where that is known: at the leader.
    const rest = (id: LeaseId): number => member.leases.remaining(id) ?? 0;
    const ids = Array.from(machine.lessor.all(), ({ id }) => id).toSorted((a, b) => rest(a) - rest(b));
    return { header: header(member), leases: ids.map((ID) => ({ ID })) };
  }

  /** Seconds; 0: gone. */
  async function renew(ID: LeaseId): Promise<number> {
    if (!member.leadership.isLeader) return (await askLeader<{ TTL: number }>('LeaseRenew', { ID })).TTL;
    // A leader that was deposed without knowing it must not promise anybody anything.
    await member.linearize();
    return member.leases.renew(ID);
  }

  async function askLeader<T>(question: PeerQuestion, request: object): Promise<T> {
    const { leader } = member.leadership;
    if (leader === undefined) throw new EtcdError('noLeader');
    return member.askPeer<T>(leader, question, request, leaderTimeoutMs);
  }

  function newId(): number {
    for (;;) {
      const id = 1 + options.random.int(2 ** 32) * 2 ** 20 + options.random.int(2 ** 20);
      if (machine.lessor.get(id) === undefined) return id;
    }
  }

  return { grant, revoke, keepAlive, timeToLive, askTimeToLive, leases, renew };
}
