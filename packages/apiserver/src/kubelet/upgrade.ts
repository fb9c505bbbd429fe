import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { errors, isPodTerminal } from '@kubelab/api';
import type { Call } from '../registry/call.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { KubeletClient } from './client.ts';
import { containerOf, kubeletOf, podOf } from './locate.ts';

/** Of the client's own, not passed on: what proves who they are is for the API server alone. */
const WITHHELD = new Set(['authorization', 'cookie', 'host', 'proxy-authorization']);
const WITHHELD_PREFIXES = ['impersonate-', 'x-remote-', 'x-forwarded-'];
const BEARER_PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/**
 * exec, attach and port-forward: after the API server has let the user in, the upgraded connection is the
 * kubelet's and the client's.
 * Whatever protocol they agree on (WebSocket, SPDY/3.1) passes through unread.
 */
export async function connectToKubelet(
  call: Call,
  connection: { readonly raw: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
  deps: { readonly kubelets: KubeletClient; readonly lookup: Lookup },
): Promise<void> {
  const { lookup, kubelets } = deps;
  const { raw, socket, head } = connection;
  const { path, nodeName } = await target(call, lookup);
  const what = { method: raw.method ?? 'GET', path, headers: passedHeaders(raw) };
  const backend = await kubelets.upgrade(kubeletOf(nodeName, lookup), what, call.request.signal);
  const end = () => {
    backend.socket.destroy();
    socket.destroy();
  };
  backend.socket.on('error', end);
  socket.on('error', end);
  backend.socket.once('close', () => socket.end());
  socket.once('close', () => backend.socket.end());
  socket.write(switching(backend.response));
  if (backend.head.length > 0) socket.write(backend.head);
  if (head.length > 0) backend.socket.write(head);
  backend.socket.pipe(socket);
  socket.pipe(backend.socket);
}

async function target(call: Call, lookup: Lookup): Promise<{ path: string; nodeName: string }> {
  const { info, query } = call;
  const subresource = info.subresource;
  const isForward = subresource === 'portforward';
  const pod = await podOf(lookup, info);
  if (!pod.spec.nodeName) throw errors.badRequest(`pod ${info.name} does not have a host assigned`);
  if (subresource === 'exec' && isPodTerminal(pod)) {
    throw errors.badRequest(
      `cannot exec into a container in a completed pod; current phase is ${pod.status?.phase ?? ''}`,
    );
  }
  // Ports belong to the pod, whichever container opened them.
  const container = isForward ? [] : [containerOf(pod, query.get('container'))];
  const place = [info.namespace, info.name, ...container].map((part) => encodeURIComponent(part)).join('/');
  const options = kubeletOptions(query, isForward).toString();
  return {
    path: `/${isForward ? 'portForward' : subresource}/${place}?${options}`,
    nodeName: pod.spec.nodeName,
  };
}

/** The kubelet's names for what the API calls stdin, stdout, stderr. */
function kubeletOptions(query: URLSearchParams, isForward: boolean): URLSearchParams {
  const options = new URLSearchParams();
  if (isForward) {
    for (const port of [...query.getAll('ports'), ...query.getAll('port')]) options.append('port', port);
    return options;
  }
  for (const [from, to] of [
    ['stdin', 'input'],
    ['stdout', 'output'],
    ['stderr', 'error'],
    ['tty', 'tty'],
  ] as const) {
    const value = query.get(from);
    if (value === 'true' || value === '1') options.set(to, '1');
  }
  for (const word of query.getAll('command')) options.append('command', word);
  return options;
}

function passedHeaders(raw: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string[]> = {};
  for (let i = 0; i + 1 < raw.rawHeaders.length; i += 2) {
    const name = (raw.rawHeaders[i] ?? '').toLowerCase();
    if (name === '' || WITHHELD.has(name) || WITHHELD_PREFIXES.some((prefix) => name.startsWith(prefix)))
      continue;
    const value = raw.rawHeaders[i + 1] ?? '';
    (headers[name] ??= []).push(name === 'sec-websocket-protocol' ? withoutToken(value) : value);
  }
  return headers;
}

/** The kubelet's 101, as it came. */
function switching(response: IncomingMessage): string {
  const lines = [`HTTP/1.1 101 ${response.statusMessage ?? 'Switching Protocols'}`];
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2)
    lines.push(`${response.rawHeaders[i]}: ${response.rawHeaders[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function withoutToken(protocols: string): string {
  return protocols
    .split(',')
    .map((protocol) => protocol.trim())
    .filter((protocol) => !protocol.startsWith(BEARER_PROTOCOL))
    .join(', ');
}
