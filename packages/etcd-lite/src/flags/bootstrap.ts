import { lookup } from 'node:dns/promises';
import type { Cluster } from '../shell/cluster.ts';
import type { EtcdFlags } from './check.ts';
import { ConfigError } from './notice.ts';
import { hostOf } from './urls.ts';

/** The address that a host's name stands for. */
export type Resolve = (host: string) => Promise<string>;

const resolveByDns: Resolve = async (host) => (await lookup(host)).address;

/**
 * What etcd's `VerifyBootstrap` refuses when a member founds a cluster: the URLs that it advertises must be those
 * at which the others will look for it. Names and addresses of the same host are the same.
 * @throws ConfigError
 */
export async function checkBootstrap(
  flags: Pick<EtcdFlags, 'name' | 'initial-advertise-peer-urls'>,
  cluster: Pick<Cluster, 'members' | 'self'>,
  resolve: Resolve = resolveByDns,
): Promise<void> {
  const all = cluster.members.flatMap(({ name, peerUrls }) => peerUrls.map((url) => ({ name, url })));
  if (new Set(all.map(({ url }) => url)).size < all.length) {
    const text = all.map(({ name, url }) => `${name}=${url}`).toSorted();
    throw new ConfigError(`initial cluster ${text.join(',')} has duplicate url`);
  }
  const advertised = flags['initial-advertise-peer-urls'].toSorted();
  const expected = cluster.self.peerUrls.toSorted();
  if (advertised.join() === expected.join()) return;
  const [a, b] = [await resolved(advertised, resolve), await resolved(expected, resolve)];
  if (a.join() === b.join()) return;
  const named = (urls: readonly string[]): string => urls.map((url) => `${flags.name}=${url}`).join(',');
  const unadvertised = expected.filter((url) => !advertised.includes(url));
  if (unadvertised.length > 0) {
    const from = `--initial-advertise-peer-urls=${advertised.join(',')}`;
    throw new ConfigError(`--initial-cluster has ${named(unadvertised)} but missing from ${from}`);
  }
  const unknown = advertised.filter((url) => !expected.includes(url));
  throw new ConfigError(
    `--initial-advertise-peer-urls has ${unknown.join(',')} but missing from --initial-cluster=${named(expected)}`,
  );
}

/** With addresses for names; a name that nobody knows stays. */
async function resolved(urls: readonly string[], resolve: Resolve): Promise<string[]> {
  const found = urls.map(async (url) => {
    const host = hostOf(url);
    const address = await resolve(host).catch(() => host);
    return url.replace(host, address);
  });
  return (await Promise.all(found)).toSorted();
}
