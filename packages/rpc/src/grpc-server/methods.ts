import type { ServiceDefinition } from '@grpc/grpc-js';
import { must } from '@kubelab/component-base';
import type { BidiHandler, ServerStreamHandler, ServiceHandlers, UnaryHandler } from '../handlers.ts';
import { RpcError, StatusCode } from '../status.ts';
import { frameOf } from './message-reader.ts';

/** Ours bring a way to make frames without copying messages once more. */
export type FramedDefinition = ServiceDefinition[string] & {
  readonly responseFrame?: (message: unknown) => Buffer;
};

/** One RPC, ready to be called. */
export type Method = {
  /** `/etcdserverpb.KV/Range` */
  readonly path: string;
  /** Throws on bytes that are no such message. */
  readonly decode: (bytes: Buffer) => unknown;
  /** A response as it goes into the body. */
  readonly frame: (message: unknown) => Buffer;
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
        const defined: FramedDefinition = must(definition[name], `RPC ${name}`);
        const { path, requestDeserialize, responseSerialize } = defined;
        // The proto file's codecs give the handler the types it states.
        const method = {
          kind,
          handler,
          path,
          decode: requestDeserialize,
          frame: defined.responseFrame ?? ((message: unknown) => frameOf(responseSerialize(message))),
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
