import { isStatus, Lease } from '@kubelab/api';
import type { NodeObject } from '../core/types.ts';
import type { KubeClient } from '@kubelab/client';
import { type Clock, type Logger, rfc3339Micro } from '@kubelab/component-base';

const LEASE_NAMESPACE = 'kube-node-lease';
/** A quarter of the duration between renewals: upstream's share. */
const RENEW_SHARE = 0.25;

export interface NodeLeaseOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeName: string;
  readonly durationMs: number;
  /** The Node owns its lease, so that both go together; undefined before it is registered. */
  readonly node: () => NodeObject | undefined;
}

/** Renews the node's lease until the signal. It waits for nothing else: busy pods make no node look dead. */
export async function renewNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const intervalMs = options.durationMs * RENEW_SHARE;
  let lease: Lease | undefined;
  let nextMs = clock.monotonic();
  while (!signal.aborted) {
    try {
      lease = await renew(options, lease);
    } catch (err) {
      log.warn('node lease not renewed', { err });
    }
    // From beginning to beginning: a slow answer does not stretch the interval.
    nextMs = Math.max(nextMs + intervalMs, clock.monotonic());
    await clock.sleep(Math.max(0, nextMs - clock.monotonic()), signal).catch(() => undefined);
  }
}

async function renew(options: NodeLeaseOptions, known: Lease | undefined): Promise<Lease> {
  const { client, clock, nodeName, durationMs } = options;
  // A server that hangs must not use up the time in which another one would answer.
  const timeoutMs = durationMs * RENEW_SHARE;
  const ref = { namespace: LEASE_NAMESPACE, name: nodeName };
  const spec = {
    holderIdentity: nodeName,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    renewTime: rfc3339Micro(clock.now()),
  };
  const uid = options.node()?.metadata.uid;
  const owner =
    uid === undefined ? {} : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] };
  let lease = known;
  if (lease === undefined) {
    try {
      lease = await client.get(Lease, ref, { timeoutMs });
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
      return client.create(Lease, { metadata: { ...ref, ...owner }, spec }, { timeoutMs });
    }
  }
  try {
    const renewed = { ...lease, metadata: { ...lease.metadata, ...owner }, spec };
    return await client.update(Lease, renewed, { timeoutMs });
  } catch (error) {
    if (known === undefined || !isStatus(error, 'Conflict', 'NotFound')) throw error;
    return renew(options, undefined);
  }
}
