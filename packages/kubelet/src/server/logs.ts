import type { ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { podContainers, type PodObject } from '../core/types.ts';
import { runsOf } from '../core/pod-status.ts';
import type { ContainerRecord, LogOptions, Runtime } from '../runtime/types.ts';

/** Answered as text with this code. */
export class RequestError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
  }
}

export interface LogQuery {
  readonly previous: boolean;
  readonly limitBytes: number | undefined;
  /** `All`, `Stdout`, `Stderr`. */
  readonly stream: string;
  readonly options: Omit<LogOptions, 'tty'>;
}

export function logQuery(query: URLSearchParams, nowMs: number): LogQuery {
  const since = query.get('sinceTime');
  const sinceSeconds = count(query, 'sinceSeconds');
  const sinceMs =
    sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : since === null ? undefined : Date.parse(since);
  if (sinceMs !== undefined && Number.isNaN(sinceMs))
    throw new RequestError(400, `invalid sinceTime ${since}`);
  return {
    previous: query.get('previous') === 'true',
    limitBytes: count(query, 'limitBytes'),
    stream: query.get('stream') ?? 'All',
    options: {
      follow: query.get('follow') === 'true',
      timestamps: query.get('timestamps') === 'true',
      tailLines: count(query, 'tailLines'),
      sinceMs,
    },
  };
}

function count(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new RequestError(400, `invalid value ${text} for ${name}`);
  return value;
}

/** The run whose log is meant; throws what kubectl is to print. */
export async function runForLog(
  runtime: Runtime,
  pod: PodObject,
  name: string,
  previous: boolean,
): Promise<ContainerRecord> {
  if (!podContainers(pod).some(({ spec }) => spec.name === name)) {
    throw new RequestError(404, `container "${name}" is not valid for pod "${pod.metadata.name}"`);
  }
  const { containers } = await runtime.listPods(pod.metadata.uid);
  const runs = runsOf(containers, name).filter(({ startedAtMs }) => startedAtMs !== undefined);
  const [newest, older] = runs;
  const before = newest?.state === 'running' ? older : (older ?? previousOf(newest));
  const run = previous ? before : newest;
  if (run !== undefined) return run;
  if (previous) {
    throw new RequestError(
      400,
      `previous terminated container "${name}" in pod "${pod.metadata.name}" not found`,
    );
  }
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const reason =
    statuses.find((status) => status.name === name)?.state?.waiting?.reason ?? 'ContainerCreating';
  throw new RequestError(
    400,
    `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`,
  );
}

/** Of a container that waits for its next run, the last run is the previous one. */
function previousOf(newest: ContainerRecord | undefined): ContainerRecord | undefined {
  return newest?.state === 'exited' ? newest : undefined;
}

export async function sendLog(
  runtime: Runtime,
  run: ContainerRecord,
  query: LogQuery,
  response: ServerResponse,
): Promise<void> {
  const stop = new AbortController();
  response.once('close', () => stop.abort(new Error('the reader is gone')));
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Transfer-Encoding': 'chunked' });
  response.flushHeaders();
  let left = query.limitBytes ?? Number.POSITIVE_INFINITY;
  const sink = (isWanted: boolean) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        const piece = isWanted ? chunk.subarray(0, left) : chunk.subarray(0, 0);
        left -= piece.length;
        if (left <= 0) stop.abort(new Error('the limit is reached'));
        if (piece.length === 0 || response.write(piece) || response.destroyed) done();
        else response.once('drain', done);
      },
    });
  const out = { stdout: sink(query.stream !== 'Stderr'), stderr: sink(query.stream !== 'Stdout') };
  await runtime.logs(run.id, { ...query.options, tty: run.tty }, out, stop.signal);
  response.end();
}
