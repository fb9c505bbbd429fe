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
import { EtcdError } from '../core/errors.ts';
import { keyBytes } from '../core/keys.ts';
import { LEASE_TTL_MAX } from '../core/lessor.ts';
import type { Member } from '../shell/member.ts';
import type { PeerQuestion } from '../transport/peers.ts';
import { header, withHeader } from './header.ts';

/** etcd's Lease service. Only the leader knows how long a lease still has: the others ask it. */
export function leaseService(member: Member) {
  const { machine, options } = member;
  // A lease must outlive an election, or every failover would lose it.
  const ttlMin = Math.ceil((1.5 * options.electionMs) / 1000);
  const leaderTimeoutMs = 5000 + 2 * options.electionMs;

  async function grant({ ID, TTL }: LeaseGrantRequest): Promise<Init<LeaseGrantResponse>> {
    if (TTL > LEASE_TTL_MAX) throw new EtcdError('leaseTtlTooLarge');
    const leaseGrant = { ID: ID === 0 ? newId() : ID, TTL: Math.max(TTL, ttlMin) };
    return withHeader(member, await member.propose({ leaseGrant }));
  }

  async function revoke(request: LeaseRevokeRequest): Promise<Init<LeaseRevokeResponse>> {
    return withHeader(member, await member.propose({ leaseRevoke: request }));
  }

  /** The header is taken before the renewal. */
  async function keepAlive(ID: LeaseId): Promise<Init<LeaseKeepAliveResponse>> {
    const before = header(member);
    return { header: before, ID, TTL: await renew(ID) };
  }

  async function timeToLive(request: LeaseTimeToLiveRequest): Promise<Init<LeaseTimeToLiveResponse>> {
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

  async function leases(): Promise<Init<LeaseLeasesResponse>> {
    await member.linearize();
    return { header: header(member), leases: [...machine.lessor.all()].map(({ id }) => ({ ID: id })) };
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

  return { grant, revoke, keepAlive, timeToLive, leases, renew };
}
