import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute, must } from '../../tests/support/lab.ts';

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
}

/** One gRPC call, prepared: the same bytes in every request. */
export interface Call {
  /** `/etcdserverpb.KV/Put` */
  readonly path: string;
  readonly message: Uint8Array;
}

/** Clients, each with one connection and one request at a time. */
const CLIENTS = 64;

/**
 * Loads a server for some seconds with h2load, a compiled client: one in JavaScript would be the limit
 * itself.
 */
export async function load(folder: string, url: string, call: Call, seconds: number): Promise<LoadResult> {
  const body = join(folder, 'request.bin');
  await writeFile(body, grpcFrame(call.message));
  const outcome = await execute(
    'h2load',
    [
      ...[`--clients=${CLIENTS}`, '--max-concurrent-streams=1', '--threads=1', `--duration=${seconds}`],
      ...[`--data=${body}`, '--header=content-type: application/grpc', '--header=te: trailers'],
      `${url}${call.path}`,
    ],
    { timeoutMs: (seconds + 20) * 1000 },
  );
  const text = must('h2load', outcome);
  const [, done = '0', failed = '0', errored = '0'] =
    /(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored/.exec(text) ?? [];
  if (Number(done) === 0 || Number(failed) > 0 || Number(errored) > 0) throw new Error(`h2load: ${text}`);
  return { requests: Number(done), seconds };
}

/** A message as gRPC puts it into an HTTP/2 body: not compressed, length, bytes. */
function grpcFrame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
