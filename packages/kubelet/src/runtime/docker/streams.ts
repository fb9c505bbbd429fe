/** Exec, attach and logs: the engine's hijacked connections on one side, a session's streams on the other. */
import { Writable, type Duplex, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ExecResult, LogOptions, LogSinks, StreamIo } from '../types.ts';
import { demuxer, write } from './demux.ts';
import { call, type Engine, runtimeError } from './engine.ts';

/** More of a probe's or hook's output nobody reads. */
const EXEC_OUTPUT_BYTES_MAX = 10 * 1024;

export async function execSync(
  engine: Engine,
  id: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<ExecResult> {
  const exec = await call(
    engine.getContainer(id).exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true }),
  );
  const connection = await call(exec.start({ hijack: true, stdin: false }));
  let output = '';
  const keep = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (output.length < EXEC_OUTPUT_BYTES_MAX) output += chunk.toString('utf8');
      done();
    },
  });
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = () => connection.destroy();
  timeout.addEventListener('abort', stop);
  try {
    await pipeline(connection, demuxer(keep, keep)).catch((error: unknown) => {
      if (!timeout.aborted) throw error;
    });
  } finally {
    timeout.removeEventListener('abort', stop);
  }
  if (timeout.aborted) return { exitCode: -1, output, timedOut: true };
  const { ExitCode } = await call(exec.inspect());
  return { exitCode: ExitCode ?? 0, output, timedOut: false };
}

export async function exec(
  engine: Engine,
  id: string,
  command: readonly string[],
  tty: boolean,
  io: StreamIo,
): Promise<number> {
  const process = await call(
    engine.getContainer(id).exec({
      Cmd: [...command],
      Tty: tty,
      AttachStdin: io.stdin !== undefined,
      AttachStdout: io.stdout !== undefined,
      AttachStderr: io.stderr !== undefined,
    }),
  );
  const connection = await call(process.start({ hijack: true, stdin: io.stdin !== undefined, Tty: tty }));
  // A size that comes before the process has its terminal is refused; the next one will do.
  io.onResize(({ width, height }) => void process.resize({ w: width, h: height }).catch(() => undefined));
  await converse(connection, tty, io);
  const { ExitCode } = await call(process.inspect());
  return ExitCode ?? 0;
}

export async function attach(engine: Engine, id: string, io: StreamIo): Promise<void> {
  const container = engine.getContainer(id);
  const { Config } = await call(container.inspect());
  const connection = await call(
    container.attach({
      stream: true,
      hijack: true,
      stdin: io.stdin !== undefined,
      stdout: io.stdout !== undefined,
      stderr: io.stderr !== undefined,
    }),
  );
  io.onResize(({ width, height }) => void container.resize({ w: width, h: height }).catch(() => undefined));
  await converse(connection as Duplex, Config.Tty, io);
}

/** Pipes both ways until the engine ends its side or the client is gone. */
async function converse(connection: Duplex, tty: boolean, io: StreamIo): Promise<void> {
  const stop = () => connection.destroy();
  io.signal.addEventListener('abort', stop, { once: true });
  // Only the engine's side ends the talk: stdin's end half-closes, its failure means the client is gone.
  io.stdin?.pipe(connection);
  connection.on('error', () => undefined);
  try {
    const sink = tty ? demuxless(io.stdout) : demuxer(io.stdout, io.stderr);
    await pipeline(connection as Readable, sink, { end: true });
  } catch (error) {
    if (!io.signal.aborted && !isConnectionEnd(error)) throw error;
  } finally {
    io.signal.removeEventListener('abort', stop);
    io.stdin?.unpipe(connection);
    connection.destroy();
  }
}

/** With a terminal there is one stream and no headers. */
function demuxless(stdout: Writable | undefined): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (stdout === undefined) done();
      else write(stdout, chunk).then(() => done(), done);
    },
  });
}

/** A process that ends while stdin still flows resets the connection. */
function isConnectionEnd(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE';
}

export async function logs(
  engine: Engine,
  id: string,
  options: LogOptions,
  out: LogSinks,
  signal: AbortSignal,
): Promise<void> {
  const common = {
    stdout: true,
    stderr: true,
    timestamps: options.timestamps,
    ...(options.tailLines === undefined ? {} : { tail: options.tailLines }),
    ...(options.sinceMs === undefined ? {} : { since: (options.sinceMs / 1000).toFixed(3) }),
  };
  const container = engine.getContainer(id);
  // Always as a stream (`follow` decides when it ends): the other form would hold the whole log in memory.
  const source = await call(logStream(container, { ...common, follow: options.follow }));
  const stop = () => source.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await pipeline(source, options.tty ? demuxless(out.stdout) : demuxer(out.stdout, out.stderr));
  } catch (error) {
    if (!signal.aborted && !isConnectionEnd(error)) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** dockerode reads a whole log into memory unless it is followed: this asks the same question for a stream. */
function logStream(container: ReturnType<Engine['getContainer']>, query: object): Promise<Readable> {
  const { modem } = container as {
    modem: { dial(options: object, done: (err: unknown, data: unknown) => void): void };
  };
  return new Promise((resolve, reject) => {
    modem.dial(
      {
        path: `/containers/${container.id}/logs?`,
        method: 'GET',
        isStream: true,
        statusCodes: { 101: true, 200: true, 404: 'no such container', 500: 'server error', 409: 'conflict' },
        options: query,
      },
      (err, data) => (err ? reject(runtimeError(err)) : resolve(data as Readable)),
    );
  });
}
