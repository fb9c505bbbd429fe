import type { ClientTls } from '@kubelab/rpc';
import { peerService } from '../wire.ts';
import { openChannel } from './open-channel.ts';

/** What one may ask a peer URL without being a member. */
export type PeerCall = <T>(
  url: string,
  rpc: 'Describe' | 'Join',
  request: object,
  timeoutMs: number,
) => Promise<T>;

/** A connection for each call: they are few, and whoever is not there yet must be found at once when it is. */
export function peerCalls(tls: ClientTls | undefined): PeerCall {
  return async <T>(url: string, rpc: 'Describe' | 'Join', request: object, timeoutMs: number) => {
    const channel = await openChannel(url, tls, { keepaliveTimeMs: 0 });
    try {
      return await channel.unary<T>(peerService, rpc, request, { timeoutMs });
    } finally {
      channel.close();
    }
  };
}
