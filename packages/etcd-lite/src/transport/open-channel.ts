import type { ClientTls } from '@kubelab/rpc';
import type { Channel, ChannelOptions } from '@kubelab/rpc/client';

/** grpc-js is loaded only here: 6 MB that a member without others does not need. */
export async function openChannel(
  url: string,
  tls: ClientTls | undefined,
  options: Omit<ChannelOptions, 'tls'>,
): Promise<Channel> {
  const { Channel: ChannelClass } = await import('@kubelab/rpc/client');
  return new ChannelClass(url, { ...options, tls });
}
