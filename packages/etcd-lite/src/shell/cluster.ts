import { createHash } from 'node:crypto';
import { UsageError } from '@kubelab/component-base';

/**
 * A member as the flags name it. Its id follows from its peer URLs and the cluster's token, so that all
 * members compute the same.
 */
export interface ClusterMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly id: number;
  /** The id as Raft and the logs have it: hexadecimal, as etcdctl prints it. */
  readonly raftId: string;
}

export interface Cluster {
  readonly id: number;
  readonly members: readonly ClusterMember[];
  readonly self: ClusterMember;
}

/**
 * `--initial-cluster`: `etcd-1=https://10.0.0.1:2380,etcd-2=…`; a name with several URLs comes several times.
 */
export function parseCluster(initialCluster: readonly string[], name: string, token: string): Cluster {
  const urls = new Map<string, string[]>();
  for (const part of initialCluster) {
    const equals = part.indexOf('=');
    if (equals <= 0) throw new UsageError(`invalid --initial-cluster: "${part}" is not name=url`);
    const member = part.slice(0, equals);
    urls.set(member, [...(urls.get(member) ?? []), part.slice(equals + 1)]);
  }
  const members = [...urls].map(([member, peerUrls]): ClusterMember => {
    const id = hash53(`${peerUrls.toSorted().join(',')} ${token}`);
    return { name: member, peerUrls, id, raftId: id.toString(16) };
  });
  const self = members.find((member) => member.name === name);
  if (self === undefined) throw new UsageError(`--initial-cluster has no member named "${name}"`);
  const ids = members.map(({ raftId }) => raftId).toSorted();
  if (new Set(ids).size !== ids.length)
    throw new UsageError('two members of --initial-cluster have the same URLs');
  return { id: hash53(ids.join(' ')), members, self };
}

/**
 * Of a cluster whose first state is this snapshot: members that began with another state, or with none, are
 * told apart by it.
 */
export function restoredClusterId(id: number, snapshotDigest: string): number {
  return hash53(`${id} ${snapshotDigest}`);
}

/** Of a member that is added later. As in etcd the time makes it one that was never used before. */
export function newMemberId(peerUrls: readonly string[], nowMs: number): string {
  return hash53(`${peerUrls.toSorted().join(',')} ${Math.floor(nowMs)}`).toString(16);
}

/** 53 bits and never 0, so that ids are exact numbers everywhere. */
function hash53(text: string): number {
  const digest = createHash('sha256').update(text).digest();
  return Number(digest.readBigUInt64BE() >> 11n) || 1;
}
