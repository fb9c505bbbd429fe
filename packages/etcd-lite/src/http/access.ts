import { type HttpHandler, type HttpRequest, plainError } from './message.ts';

export interface AccessOptions {
  /** `--cors`: origins, or `*`. */
  readonly cors: readonly string[];
  /** `--host-whitelist`: names, or `*`. */
  readonly hosts: readonly string[];
}

/**
 * What browsers may do, as etcd's access controller has it: with a whitelist, requests in plain text must name
 * one of its hosts (so that no foreign name can be made to lead here), and allowed origins are told so.
 */
export function withAccess({ cors, hosts }: AccessOptions, handler: HttpHandler): HttpHandler {
  const anyHost = hosts.length === 0 || hosts.includes('*');
  return async (request) => {
    const host = hostNameOf(request);
    if (!request.isSecure && !anyHost && !hosts.includes(host)) return plainError(421, unknownHost(host));
    const origin = cors.length === 0 || cors.includes('*') ? '*' : request.headers['origin'];
    const headers: Record<string, string> =
      origin !== undefined && (origin === '*' || cors.includes(origin))
        ? {
            'access-control-allow-headers': 'accept, content-type, authorization',
            'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE',
            'access-control-allow-origin': origin,
          }
        : {};
    if (request.method === 'OPTIONS') return { status: 200, headers, body: '' };
    const response = await handler(request);
    return { ...response, headers: { ...headers, ...response.headers } };
  };
}

function hostNameOf({ headers }: HttpRequest): string {
  const host = headers['host'] ?? '';
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function unknownHost(host: string): string {
  return [
    'etcd received your request, but the Host header was unrecognized.',
    '',
    'To fix this, choose one of the following options:',
    '- Enable TLS, then any HTTPS request will be allowed.',
    '- Add the hostname you want to use to the whitelist in settings.',
    `  - e.g. etcd --host-whitelist ${JSON.stringify(host)}`,
    '',
    'This requirement has been added to help prevent "DNS Rebinding" attacks (CVE-2018-5702).',
  ].join('\n');
}
