import { existsSync, readFileSync, watch } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Clock, errorMessage, type Logger, type Timer } from '@kubelab/component-base';
import { refuseUpgrade } from '@kubelab/streams';
import type { PodObject } from '../core/types.ts';
import type { Runtime } from '../runtime/types.ts';
import { type Authorizer, type Decision } from './authorizer.ts';
import { logQuery, RequestError, runForLog, sendLog } from './logs.ts';
import { serveRemoteCommand } from './remote-command.ts';
import { statsSummary } from './stats.ts';

export interface KubeletServerOptions {
  readonly address: string;
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly clientCaFile: string;
  readonly nodeName: string;
  readonly runtime: Runtime;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly log: Logger;
  pods(): readonly PodObject[];
  find(namespace: string, name: string): PodObject | undefined;
}

const RELOAD_AFTER_MS = 200;

/** The kubelet's port: logs, exec, attach, pods, stats. Only health is for everybody. */
export async function startServer(options: KubeletServerOptions): Promise<Server> {
  const server = createServer({
    ...certificates(options),
    requestCert: true,
    // Who comes without a certificate may have a token: the authorizer decides.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
  });
  server.on('request', (request, response) => void serve(options, request, response));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void upgrade(options, request, socket, head);
  });
  server.on('tlsClientError', (err) => options.log.debug('TLS handshake failed', { err }));
  reloadOnChange(server, options);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.address, resolve);
  });
  return server;
}

function certificates({ certFile, keyFile, clientCaFile }: KubeletServerOptions) {
  return { cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(clientCaFile) };
}

/** New certificates are taken over without a restart. */
function reloadOnChange(server: Server, options: KubeletServerOptions): void {
  let timer: Timer | undefined;
  const folders = new Set(
    [options.certFile, options.keyFile, options.clientCaFile].map((path) => dirname(path)),
  );
  const reload = () => {
    try {
      if (existsSync(options.certFile)) server.setSecureContext(certificates(options));
      options.log.info('serving certificates reloaded');
    } catch (err) {
      options.log.warn('serving certificates not reloaded', { err });
    }
  };
  for (const folder of folders) {
    const watcher = watch(folder, { persistent: false }, () => {
      timer?.cancel();
      timer = options.clock.setTimer(RELOAD_AFTER_MS, reload);
    });
    server.once('close', () => watcher.close());
  }
}

async function serve(
  options: KubeletServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    if (url.pathname === '/healthz') {
      sendText(response, 200, 'ok');
      return;
    }
    const decision = await options.authorizer.decide(request);
    if (decision.type !== 'allowed') {
      sendText(response, decision.type === 'unauthorized' ? 401 : 403, decisionText(decision));
      return;
    }
    await route(options, url, response);
  } catch (error) {
    const code = error instanceof RequestError ? error.code : 500;
    if (code === 500) options.log.warn('request failed', { path: request.url?.split('?')[0], err: error });
    if (response.headersSent) response.destroy();
    else sendText(response, code, errorMessage(error));
  }
}

async function route(options: KubeletServerOptions, url: URL, response: ServerResponse): Promise<void> {
  const { runtime } = options;
  const [what, namespace, podName, container] = pathOf(url);
  if (what === 'pods') {
    sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: options.pods() });
  } else if (what === 'stats' && namespace === 'summary') {
    sendJson(response, await statsSummary(runtime, options.nodeName, options.pods()));
  } else if (what === 'containerLogs') {
    const pod = podOf(options, namespace, podName);
    const query = logQuery(url.searchParams, options.clock.now());
    const run = await runForLog(runtime, pod, container ?? '', query.previous);
    await sendLog(runtime, run, query, response);
  } else if (what === 'exec' || what === 'attach') {
    throw new RequestError(400, 'Upgrade request required');
  } else {
    throw new RequestError(404, '404 page not found');
  }
}

async function upgrade(
  options: KubeletServerOptions,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  try {
    const decision = await options.authorizer.decide(request);
    if (decision.type !== 'allowed') {
      refuseUpgrade(socket, decision.type === 'unauthorized' ? 401 : 403, decisionText(decision));
      return;
    }
    const url = new URL(request.url ?? '/', 'https://kubelet');
    const [what, namespace, podName, container = ''] = pathOf(url);
    if (what !== 'exec' && what !== 'attach') throw new RequestError(404, '404 page not found');
    const pod = podOf(options, namespace, podName);
    const command = { what, pod, container, query: url.searchParams } as const;
    await serveRemoteCommand(options.runtime, command, request, socket, head);
  } catch (error) {
    refuseUpgrade(socket, error instanceof RequestError ? error.code : 500, errorMessage(error));
  }
}

function pathOf(url: URL): string[] {
  return url.pathname.split('/').slice(1).map(decodeURIComponent);
}

/** `{namespace}/{pod}`; upstream also takes a uid after the pod's name, which nobody sends. */
function podOf(options: KubeletServerOptions, namespace = '', name = ''): PodObject {
  const pod = options.find(namespace, name);
  if (pod === undefined) throw new RequestError(404, `pod "${name}" not found`);
  return pod;
}

function decisionText(decision: Exclude<Decision, { type: 'allowed' }>): string {
  return decision.type === 'unauthorized' ? 'Unauthorized' : decision.message;
}

function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(text);
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}
