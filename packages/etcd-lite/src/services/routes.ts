import type { ServiceDefinition } from '@grpc/grpc-js';
import type {
  BidiHandler,
  CallInfo,
  GrpcServer,
  ServerStreamHandler,
  ServiceHandlers,
  UnaryHandler,
} from '@kubelab/rpc';

/**
 * What a call passes before its handler: it throws to refuse the call. `call.path` says which RPC it is;
 * `request` is undefined where requests come as a stream.
 */
export type Guard = (request: unknown, call: CallInfo) => void | Promise<void>;

export type Route = { readonly guards: readonly Guard[] } & (
  | { readonly kind: 'unary'; readonly handler: UnaryHandler<never, unknown> }
  | { readonly kind: 'serverStream'; readonly handler: ServerStreamHandler<never, never> }
  | { readonly kind: 'bidi'; readonly handler: BidiHandler<never, never> }
);
/** A service's RPCs by their names. */
export type Routes = Readonly<Record<string, Route>>;

export function unary<Req, Res>(handler: UnaryHandler<Req, Res>, ...guards: Guard[]): Route {
  return { kind: 'unary', handler, guards };
}

export function serverStream<Req, Res>(handler: ServerStreamHandler<Req, Res>, ...guards: Guard[]): Route {
  return { kind: 'serverStream', handler, guards };
}

export function bidi<Req, Res>(handler: BidiHandler<Req, Res>, ...guards: Guard[]): Route {
  return { kind: 'bidi', handler, guards };
}

/** Serves them; each call passes `always`, then its route's own guards, one after the other. */
export function addRoutes(
  server: Pick<GrpcServer, 'addService'>,
  definition: ServiceDefinition,
  routes: Routes,
  always: readonly Guard[],
): void {
  const handlers = { unary: {}, serverStream: {}, bidi: {} } satisfies ServiceHandlers;
  for (const [name, route] of Object.entries(routes)) {
    Object.assign(handlers[route.kind], { [name]: guarded(route, [...always, ...route.guards]) });
  }
  server.addService(definition, handlers);
}

function guarded({ kind, handler }: Route, guards: readonly Guard[]): Route['handler'] {
  if (guards.length === 0) return handler;
  if (kind === 'unary') return unaryGuarded(handler as UnaryHandler<unknown, unknown>, guards);
  if (kind === 'bidi') {
    const run = handler as BidiHandler<unknown, unknown>;
    return async (stream: Parameters<typeof run>[0]) => {
      for (const guard of guards) await guard(undefined, stream);
      return run(stream);
    };
  }
  const run = handler as ServerStreamHandler<unknown, unknown>;
  return async (request: unknown, stream: Parameters<typeof run>[1]) => {
    for (const guard of guards) await guard(request, stream);
    return run(request, stream);
  };
}

/** Most guards answer at once: then the handler starts in the same turn. */
function unaryGuarded(
  handler: UnaryHandler<unknown, unknown>,
  guards: readonly Guard[],
): UnaryHandler<unknown, unknown> {
  const from = (at: number, request: unknown, call: CallInfo): unknown => {
    for (let i = at; i < guards.length; i++) {
      const pending = guards[i]?.(request, call);
      if (pending !== undefined) return pending.then(() => from(i + 1, request, call));
    }
    return handler(request, call);
  };
  return (request, call) => from(0, request, call);
}
