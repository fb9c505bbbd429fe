/** The things a probe or a hook can do: run a command, ask by HTTP, connect by TCP, ask by gRPC, sleep. */
import { connect } from 'node:net';
import type { Clock } from '@kubelab/component-base';
import { errorMessage } from '@kubelab/component-base';
import type { ContainerSpec } from '../core/types.ts';
import type { Runtime } from '../runtime/types.ts';

export interface HandlerSpec {
  readonly exec?: { readonly command?: readonly string[] | undefined } | undefined;
  readonly httpGet?:
    | {
        readonly path?: string | undefined;
        readonly port: number | string;
        readonly host?: string | undefined;
        readonly scheme?: string | undefined;
        readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[] | undefined;
      }
    | undefined;
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string | undefined } | undefined;
  readonly grpc?: { readonly port: number; readonly service?: string | undefined } | undefined;
  readonly sleep?: { readonly seconds: number } | undefined;
}

export interface HandlerTarget {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly containerId: string;
  readonly container: ContainerSpec;
  /** Where the pod listens; the node's own address on the host network. */
  readonly podIp: string;
}

export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

const BODY_BYTES_MAX = 10 * 1024;

export async function runHandler(
  handler: HandlerSpec,
  target: HandlerTarget,
  timeoutMs: number,
): Promise<Outcome> {
  if (target.runtime.isHollow) return { ok: true, output: '' };
  try {
    if (handler.exec !== undefined) return await runCommand(handler.exec.command ?? [], target, timeoutMs);
    if (handler.httpGet !== undefined) return await askHttp(handler.httpGet, target, timeoutMs);
    if (handler.tcpSocket !== undefined) {
      const { host, port } = handler.tcpSocket;
      return await connectTcp(host ?? target.podIp, portNumber(port, target.container), timeoutMs);
    }
    if (handler.grpc !== undefined) {
      const { askGrpcHealth } = await import('./grpc-health.ts');
      return await askGrpcHealth(target.podIp, handler.grpc.port, handler.grpc.service ?? '', timeoutMs);
    }
    if (handler.sleep !== undefined) await target.clock.sleep(handler.sleep.seconds * 1000);
    return { ok: true, output: '' };
  } catch (error) {
    return { ok: false, output: errorMessage(error) };
  }
}

async function runCommand(
  command: readonly string[],
  target: HandlerTarget,
  timeoutMs: number,
): Promise<Outcome> {
  const { exitCode, output, timedOut } = await target.runtime.execSync(
    target.containerId,
    command,
    timeoutMs,
  );
  if (timedOut) return { ok: false, output: `command timed out: ${JSON.stringify(command.join(' '))}` };
  return { ok: exitCode === 0, output };
}

/** A number, or the name of one of the container's ports. */
export function portNumber(port: number | string, container: ContainerSpec): number {
  const number = Number(port);
  if (Number.isInteger(number)) return number;
  const named = container.ports?.find(({ name }) => name === port);
  if (named === undefined) throw new Error(`couldn't find port: ${JSON.stringify(port)} in container`);
  return named.containerPort;
}

type HttpGet = NonNullable<HandlerSpec['httpGet']>;

async function askHttp(spec: HttpGet, target: HandlerTarget, timeoutMs: number): Promise<Outcome> {
  const isTls = spec.scheme === 'HTTPS';
  // Certificates of pods are the pods' business: upstream does not verify them either.
  const { request } = isTls ? await import('node:https') : await import('node:http');
  const headers: Record<string, string> = { 'User-Agent': 'kube-probe/1.35', Accept: '*/*' };
  for (const { name, value } of spec.httpHeaders ?? []) headers[name] = value;
  return new Promise((resolve) => {
    const req = request(
      {
        host: spec.host ?? target.podIp,
        port: portNumber(spec.port, target.container),
        path: spec.path === undefined || spec.path === '' ? '/' : spec.path,
        headers,
        agent: false,
        signal: AbortSignal.timeout(timeoutMs),
        ...(isTls ? { rejectUnauthorized: false } : {}),
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          if (body.length < BODY_BYTES_MAX) body += chunk.toString('utf8');
        });
        response.on('error', (error) => resolve({ ok: false, output: error.message }));
        response.on('end', () => {
          const code = response.statusCode ?? 0;
          const ok = code >= 200 && code < 400;
          resolve({ ok, output: ok ? body : `HTTP probe failed with statuscode: ${code}` });
        });
      },
    );
    req.on('error', (error) => {
      const isTimeout = error.name === 'AbortError' || error.name === 'TimeoutError';
      const dialed = `dial tcp ${spec.host ?? target.podIp}:${portNumber(spec.port, target.container)}`;
      const why = isTimeout ? 'context deadline exceeded' : connectError(error, dialed);
      resolve({ ok: false, output: `Get "${urlText(spec, target)}": ${why}` });
    });
    req.end();
  });
}

/** What upstream's words are for a connection that the other end or the network refused. */
const REFUSALS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
};

function connectError(error: NodeJS.ErrnoException, dialed: string): string {
  const refusal = REFUSALS[error.code ?? ''];
  return refusal === undefined ? error.message : `${dialed}: connect: ${refusal}`;
}

function urlText({ scheme = 'HTTP', host, port, path = '/' }: HttpGet, target: HandlerTarget): string {
  return `${scheme.toLowerCase()}://${host ?? target.podIp}:${portNumber(port, target.container)}${path}`;
}

function connectTcp(host: string, port: number, timeoutMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (outcome: Outcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(timeoutMs, () =>
      finish({ ok: false, output: `dial tcp ${host}:${port}: i/o timeout` }),
    );
    socket.once('connect', () => finish({ ok: true, output: '' }));
    socket.once('error', (error) =>
      finish({ ok: false, output: connectError(error, `dial tcp ${host}:${port}`) }),
    );
  });
}
