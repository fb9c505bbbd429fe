import type { ServiceDefinition } from '@grpc/grpc-js';
import { must } from '@kubelab/component-base';
import type { BidiHandler, ServerStreamHandler, ServiceHandlers, UnaryHandler } from '../handlers.ts';
import { RpcError, StatusCode } from '../status.ts';

/** One RPC, ready to be called. */
export type Method = {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  /** Throws on bytes that are no such message. */
  readonly decode: (bytes: Buffer) => unknown;
  readonly encode: (message: unknown) => Uint8Array;
} & (
  | { readonly kind: 'unary'; readonly handler: UnaryHandler<unknown, unknown> }
  | { readonly kind: 'serverStream'; readonly handler: ServerStreamHandler<unknown, unknown> }
  | { readonly kind: 'bidi'; readonly handler: BidiHandler<unknown, unknown> }
);

/** All RPCs of a server, by path. */
export class Methods {
  readonly #methods = new Map<string, Method>();
  readonly #services = new Set<string>();

  add(definition: ServiceDefinition, handlers: ServiceHandlers): void {
    for (const kind of ['unary', 'serverStream', 'bidi'] as const) {
      for (const [name, handler] of Object.entries(handlers[kind] ?? {})) {
        const { path, requestDeserialize, responseSerialize } = must(definition[name], `RPC ${name}`);
        // The proto file's codecs give the handler the types it states.
        const method = {
          kind,
          handler,
          path,
          decode: requestDeserialize,
          encode: responseSerialize,
        } as Method;
        this.#methods.set(path, method);
      }
    }
    for (const { path } of Object.values(definition)) this.#services.add(serviceOf(path));
  }

  /** Throws what grpc-go answers when there is none. */
  find(path: string): Method {
    const method = this.#methods.get(path);
    if (method !== undefined) return method;
    const service = serviceOf(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    let text = `unknown service ${service}`;
    if (service === '') text = `malformed method name: ${JSON.stringify(path)}`;
    else if (this.#services.has(service)) text = `unknown method ${name} for service ${service}`;
    throw new RpcError(StatusCode.UNIMPLEMENTED, text);
  }
}

function serviceOf(path: string): string {
  return path.slice(1, path.lastIndexOf('/'));
}
