import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import type { Outcome } from './handlers.ts';

const SERVING = 1;

/** `grpc.health.v1.Health/Check`; its two messages are small enough to write by hand. */
export async function askGrpcHealth(
  host: string,
  port: number,
  service: string,
  timeoutMs: number,
): Promise<Outcome> {
  const Client = makeGenericClientConstructor({}, 'Health');
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  try {
    const status = await new Promise<number>((resolve, reject) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        encodeRequest,
        decodeStatus,
        service,
        { deadline: Date.now() + timeoutMs },
        (error, value) => (error === null ? resolve(value ?? 0) : reject(error)),
      );
    });
    return status === SERVING
      ? { ok: true, output: 'service healthy' }
      : { ok: false, output: 'service unhealthy (responded with "NOT_SERVING")' };
  } finally {
    client.close();
  }
}

/** Field 1, a string. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  return name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, name.length]), name]);
}

/** Field 1, an enum. */
function decodeStatus(reply: Buffer): number {
  return reply[0] === 0x08 ? (reply[1] ?? 0) : 0;
}
