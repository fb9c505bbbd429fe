import {
  type sendUnaryData,
  Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Duplex } from 'node:stream';
import { must } from '@kubelab/component-base';
import { GrpcJsCall, GrpcJsStream } from './grpc-js-call.ts';
import type { BidiHandler, ServerStreamHandler, ServiceHandlers, UnaryHandler } from './handlers.ts';
import { rpcErrorFrom } from './status.ts';
import { serverCredentials, type ServerTls } from './tls.ts';

export interface ServerOptions {
  /** Of one request message. */
  readonly receiveBytesMax?: number;
  readonly keepaliveTimeMs?: number;
}

const RECEIVE_BYTES_MAX = 4 * 1024 * 1024;
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/** Serves gRPC services on any number of addresses. */
export class GrpcServer {
  readonly #server: Server;
  #injector: ReturnType<Server['createConnectionInjector']> | undefined;

  constructor(options: ServerOptions = {}) {
    this.#server = new Server({
      'grpc.max_receive_message_length': options.receiveBytesMax ?? RECEIVE_BYTES_MAX,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.enable_channelz': 0,
    });
  }

  addService(definition: ServiceDefinition, handlers: ServiceHandlers): void {
    const served: UntypedServiceImplementation = {};
    const defined: Record<string, ServiceDefinition[string]> = {};
    const add = (name: string, handler: (path: string) => UntypedHandleCall): void => {
      const method = must(definition[name], `RPC ${name}`);
      defined[name] = method;
      served[name] = handler(method.path);
    };
    for (const [name, handler] of Object.entries(handlers.unary ?? {})) add(name, unary(handler));
    for (const [name, handler] of Object.entries(handlers.serverStream ?? {})) {
      add(name, serverStream(handler));
    }
    for (const [name, handler] of Object.entries(handlers.bidi ?? {})) add(name, bidi(handler));
    this.#server.addService(defined, served);
  }

  /** Resolves to the port; with port 0 the system picks a free one. Without `tls` in plain text. */
  listen(address: string, tls?: ServerTls): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, serverCredentials(tls), (error, port) => {
        if (error === null) resolve(port);
        else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
    });
  }

  /** Serves a connection that somebody else has accepted, after its TLS. */
  serve(socket: Duplex): void {
    this.#injector ??= this.#server.createConnectionInjector(serverCredentials(undefined));
    this.#injector.injectConnection(socket);
  }

  /** Lets calls under way finish for a while, then cuts them off. */
  stop(graceMs = 1000): Promise<void> {
    return new Promise((resolve) => {
      const force = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, graceMs);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }
}

function unary(handler: UnaryHandler<never, unknown>) {
  // The proto file's codecs give the handler the type it states.
  const handle = handler as UnaryHandler<unknown, unknown>;
  return (path: string): UntypedHandleCall =>
    (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
      const answer = async (): Promise<void> => {
        let value: unknown;
        try {
          value = await handle(call.request, new GrpcJsCall(call, path));
        } catch (error) {
          callback(rpcErrorFrom(error));
          return;
        }
        callback(null, value);
      };
      void answer();
    };
}

function serverStream(handler: ServerStreamHandler<never, never>) {
  const handle = handler as ServerStreamHandler<unknown, unknown>;
  return (path: string): UntypedHandleCall =>
    (call: ServerWritableStream<unknown, unknown>): void =>
      settle(call, handle(call.request, new GrpcJsStream<unknown, unknown>(call, path)));
}

function bidi(handler: BidiHandler<never, never>) {
  const handle = handler as BidiHandler<unknown, unknown>;
  return (path: string): UntypedHandleCall =>
    (call: ServerDuplexStream<unknown, unknown>): void =>
      settle(call, handle(new GrpcJsStream<unknown, unknown>(call, path)));
}

function settle(
  call: ServerDuplexStream<unknown, unknown> | ServerWritableStream<unknown, unknown>,
  done: Promise<void>,
): void {
  // Without a listener a broken connection would end the process; the handler hears of it by its signal.
  call.on('error', () => undefined);
  done.then(
    () => call.end(),
    (error: unknown) => call.destroy(rpcErrorFrom(error)),
  );
}
