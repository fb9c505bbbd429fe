import { connect } from 'node:http2';
import type { Outcome } from './handlers.ts';

const SERVING = 1;
const FRAME_HEADER_BYTES = 5;

/**
 * `grpc.health.v1.Health/Check` by hand over HTTP/2: one request of one string, one reply of one enum, so that a probe needs no
 * gRPC library.
 */
export function askGrpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const session = connect(`http://${host}:${port}`);
    const finish = (outcome: Outcome) => {
      session.destroy();
      resolve(outcome);
    };
    const fail = (why: string) => finish({ ok: false, output: `grpc ${host}:${port}: ${why}` });
    session.setTimeout(timeoutMs, () => fail('context deadline exceeded'));
    session.on('error', (error) => fail(error.message));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let reply = Buffer.alloc(0);
    let code: string | undefined;
    const readCode = (headers: { readonly [name: string]: unknown }) => {
      const status = headers['grpc-status'];
      if (typeof status === 'string') code = status;
    };
    stream.on('response', readCode);
    stream.on('trailers', readCode);
    stream.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
    });
    stream.on('error', (error) => fail(error.message));
    stream.on('end', () => {
      if (code !== undefined && code !== '0') fail(`status code ${code}`);
      else if (servingStatus(reply) === SERVING) finish({ ok: true, output: 'service healthy' });
      else finish({ ok: false, output: 'service unhealthy (responded with "NOT_SERVING")' });
    });
    stream.end(frame(service));
  });
}

/** One uncompressed message whose field 1 is the service's name; empty for the server as a whole. */
export function frame(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Field 1 of the reply; 0 (unknown) when it is not there. */
export function servingStatus(reply: Buffer): number {
  return reply[FRAME_HEADER_BYTES] === 0x08 ? (reply[FRAME_HEADER_BYTES + 1] ?? 0) : 0;
}
