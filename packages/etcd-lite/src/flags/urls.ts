import { isIP } from 'node:net';

/** Flags whose values are URLs; `*` is one where etcd lets it be. */
const URL_FLAGS: Readonly<Record<string, { readonly star?: boolean }>> = {
  'listen-client-urls': {},
  'listen-client-http-urls': {},
  'listen-metrics-urls': {},
  'listen-peer-urls': {},
  'advertise-client-urls': {},
  'initial-advertise-peer-urls': {},
  cors: { star: true },
};

export function isUrlFlag(name: string): boolean {
  return Object.hasOwn(URL_FLAGS, name);
}

/**
 * `a,b` as etcd reads URLs of a flag (`types.NewURLs`): trimmed, sorted, each once.
 * @throws Error with etcd's words, for what is none.
 */
export function readUrls(name: string, text: string): string[] {
  if (text === '' || (text === '*' && URL_FLAGS[name]?.star === true)) return text === '' ? [] : ['*'];
  const urls = text.split(',').map((each) => each.trim());
  for (const url of urls) requireUrl(url);
  return [...new Set(urls)].toSorted();
}

/** @throws Error with etcd's words. */
export function requireUrl(text: string): void {
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text);
  const scheme = parts?.[1]?.toLowerCase() ?? '';
  if (scheme === 'unix' || scheme === 'unixs') throw new Error(`unix sockets are not served here: ${text}`);
  if (scheme !== 'http' && scheme !== 'https')
    throw new Error(`URL scheme must be http, https, unix, or unixs: ${text}`);
  const authority = parts?.[2] ?? '';
  if (!/^(\[[^\]]+\]|[^:[\]]*):\d*$/.test(authority) || !URL.canParse(text.replace('://:', '://x:')))
    throw new Error(`URL address does not have the form "host:port": ${text}`);
  if (parts?.[3] !== '') throw new Error(`URL must not contain a path: ${text}`);
}

export function isUrl(text: string): boolean {
  try {
    requireUrl(text);
    return true;
  } catch {
    return false;
  }
}

/** The host as written, without the brackets of IPv6. */
export function hostOf(url: string): string {
  const authority = /^[^:]+:\/\/([^/]*)/.exec(url)?.[1] ?? '';
  return authority.slice(0, authority.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

/** @throws Error where a URL to listen at names a host: that could be anywhere. */
export function checkBindUrls(urls: readonly string[]): void {
  for (const url of urls) {
    const host = hostOf(url);
    if (host !== 'localhost' && isIP(host) === 0) throw new Error(`expected IP in URL for binding (${url})`);
  }
}

/** @throws Error where a URL that others are told has no host. */
export function checkHostUrls(flag: string, urls: readonly string[]): void {
  for (const url of urls) {
    if (hostOf(url) !== '') continue;
    throw new Error(`--${flag} "${urls.join(',')}" must be "host:port" (unexpected empty host (${url}))`);
  }
}
