import type { ServiceDefinition } from '@grpc/grpc-js';
import { type Clock, must } from '@kubelab/component-base';
import type {
  BidiHandler,
  FramedDefinition,
  GrpcServer,
  ServerStreamHandler,
  ServiceHandlers,
  UnaryHandler,
} from '@kubelab/rpc';
import { CallCounts, counted } from './call-counts.ts';
import type { Labels } from './metrics/family.ts';

/** One RPC with what turns its messages into bytes and back. */
export type Rpc = {
  readonly encode: (response: unknown) => Uint8Array;
  readonly decode: (request: Buffer) => unknown;
} & (
  | { readonly kind: 'unary'; readonly handler: UnaryHandler<unknown, unknown> }
  | { readonly kind: 'serverStream'; readonly handler: ServerStreamHandler<unknown, unknown> }
  | { readonly kind: 'bidi'; readonly handler: BidiHandler<unknown, unknown> }
);

const KINDS = ['unary', 'serverStream', 'bidi'] as const;

export interface RpcTableOptions {
  readonly clock: Clock;
  /** `--metrics=extensive`: how long each takes, too. */
  readonly isTimed: boolean;
}

/**
 * All RPCs of a member by path (`/etcdserverpb.KV/Range`), counted. They are handed on to the gRPC server, and
 * called by HTTP as well.
 */
export class RpcTable implements Pick<GrpcServer, 'addService'> {
  readonly counts = new Map<string, CallCounts>();
  readonly #options: RpcTableOptions;
  readonly #rpcs = new Map<string, Rpc>();
  readonly #services: (readonly [ServiceDefinition, ServiceHandlers])[] = [];

  constructor(options: RpcTableOptions) {
    this.#options = options;
  }

  get isTimed(): boolean {
    return this.#options.isTimed;
  }

  addService(definition: ServiceDefinition, handlers: ServiceHandlers): void {
    const all = { unary: {}, serverStream: {}, bidi: {} } satisfies ServiceHandlers;
    const encoded: Record<string, ServiceDefinition[string]> = { ...definition };
    for (const kind of KINDS) {
      for (const [name, plain] of Object.entries(handlers[kind] ?? {})) {
        const method: FramedDefinition = must(definition[name], `RPC ${name}`);
        const counts = new CallCounts(kind, this.isTimed);
        this.counts.set(method.path, counts);
        const handler = counted(plain, counts, this.#options.clock);
        const encode = (response: unknown): Buffer => counts.sends(method.responseSerialize(response));
        const decode = (bytes: Buffer): unknown => method.requestDeserialize(counts.receives(bytes));
        // Which handler it is says `kind`, and its types are the proto file's.
        this.#rpcs.set(method.path, { kind, handler, encode, decode } as Rpc);
        Object.assign(all[kind], { [name]: handler });
        const { responseFrame } = method;
        const framed: FramedDefinition = {
          ...method,
          responseSerialize: encode,
          requestDeserialize: decode,
          ...(responseFrame && { responseFrame: (response) => counts.sendsFrame(responseFrame(response)) }),
        };
        encoded[name] = framed;
      }
    }
    this.#services.push([encoded, all]);
  }

  /** Serves them all. */
  serveBy(server: Pick<GrpcServer, 'addService'>): void {
    for (const [definition, handlers] of this.#services) server.addService(definition, handlers);
  }

  get(path: string): Rpc | undefined {
    return this.#rpcs.get(path);
  }

  /** Each with its labels, as go-grpc-prometheus names them. */
  *all(): Generator<{ readonly labels: Labels; readonly counts: CallCounts }> {
    for (const [path, counts] of this.counts) {
      const [, service = '', method = ''] = path.split('/');
      yield { labels: { grpc_service: service, grpc_method: method, grpc_type: counts.goType }, counts };
    }
  }
}
