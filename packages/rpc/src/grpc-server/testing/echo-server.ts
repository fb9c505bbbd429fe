import { loadProto } from '../../proto.ts';
import { RpcError, StatusCode } from '../../status.ts';
import type { ServerStream } from '../../handlers.ts';
import { GrpcServer, type ServerOptions } from '../server.ts';

interface Range {
  readonly key: Uint8Array;
  readonly limit: number;
}
interface Snapshot {
  readonly blob: Uint8Array;
}
interface KeepAlive {
  readonly ID: number;
}

const proto = loadProto('etcd');
export const rangeRequest = proto.message<Range>('etcdserverpb.RangeRequest');
export const rangeResponse = proto.message<{ readonly count: number }>('etcdserverpb.RangeResponse');
export const services = {
  kv: proto.service('etcdserverpb.KV'),
  lease: proto.service('etcdserverpb.Lease'),
  maintenance: proto.service('etcdserverpb.Maintenance'),
};

export interface EchoServer {
  readonly server: GrpcServer;
  /** What became of the calls, in order. */
  readonly events: string[];
}

/** What the services of etcd's protocol do here, so that every kind of call has one that is easily watched. */
export function echoServer(options: ServerOptions = {}): EchoServer {
  const server = new GrpcServer(options);
  const events: string[] = [];
  server.addService(services.kv, {
    unary: {
      // The number of bytes of the key.
      Range: ({ key }: Range) => ({ count: key.length }),
      // Never answers.
      Put: (_request, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            events.push('put aborted');
            reject(signal.reason as Error);
          });
        }),
      // Fails with the key as its text.
      DeleteRange: ({ key }: Range) => {
        throw new RpcError(StatusCode.NOT_FOUND, Buffer.from(key).toString());
      },
    },
  });
  server.addService(services.lease, {
    bidi: {
      LeaseKeepAlive: async (stream: ServerStream<KeepAlive, KeepAlive>) => {
        try {
          for await (const { ID } of stream) stream.write({ ID });
          events.push('keep-alive ended');
        } catch {
          events.push('keep-alive cut off');
        }
      },
    },
  });
  server.addService(services.maintenance, {
    unary: {
      // A large answer.
      Status: () => {
        events.push('status');
        return { version: VERSION };
      },
    },
    serverStream: {
      // Megabytes, as fast as the client takes them.
      Snapshot: async (_request, stream: ServerStream<unknown, Snapshot>) => {
        const blob = Buffer.alloc(BLOB_BYTES, 'x');
        for (let i = 0; i < BLOB_COUNT && !stream.isOver; i++) {
          events.push(`blob ${i}`);
          if (!stream.write({ blob })) await stream.drained();
        }
      },
    },
  });
  return { server, events };
}

export const STATUS_BYTES = 1024 * 1024;
const VERSION = 'x'.repeat(STATUS_BYTES);
export const BLOB_BYTES = 64 * 1024;
export const BLOB_COUNT = 100;
