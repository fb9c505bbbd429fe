import { RpcError, rpcErrorFrom, StatusCode } from '@kubelab/rpc';
import { goString, type MethodJson, protoJson, type ProtoJson } from '@kubelab/rpc/json';
import { type HttpHandler, type HttpRequest, type HttpResponse, plainError } from '../message.ts';
import type { Rpc, RpcTable } from '../rpc-table.ts';
import { JsonBody } from './body.ts';
import { GatewayCall, GatewayStream } from './call.ts';
import { httpStatusOf } from './http-status.ts';
import { GATEWAY_ROUTES, type GatewayRoute } from './routes.ts';

const JSON_HEADERS = { 'content-type': 'application/json' };
/** etcd's gateway passes on what its gRPC server answered with. */
const OK_HEADERS = { ...JSON_HEADERS, 'grpc-metadata-content-type': 'application/grpc' };

/** Not by `import`: see `GrpcServer`. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

export interface GatewayOptions {
  /** Of one request as a message; as JSON it may be twice that. */
  readonly requestBytesMax: number;
}

/**
 * etcd's JSON gateway below `/v3/`: the same handlers as gRPC's, messages as JSON. A stream answers one
 * `{"result":…}` a line, and ends with `{"error":…}` where it fails.
 */
export function gateway(rpcs: Pick<RpcTable, 'get'>, { requestBytesMax }: GatewayOptions): HttpHandler {
  const mappings = new Mappings();
  return async (request) => {
    const route = GATEWAY_ROUTES.get(request.path.replace(/^\/v3(beta)?\//, ''));
    if (route === undefined) return plainError(404, 'Not Found');
    if (request.method !== 'POST') return plainError(405, 'Method Not Allowed');
    const path = `/${route.service}/${route.method}`;
    const rpc = rpcs.get(path);
    if (rpc === undefined) {
      const text = `unknown method ${route.method} for service ${route.service}`;
      return failed(new RpcError(StatusCode.UNIMPLEMENTED, text));
    }
    const json = mappings.of(route);
    const body = new JsonBody(request.body, 2 * requestBytesMax);
    try {
      if (rpc.kind === 'unary') return await unary(rpc, json, { path, request, body });
      return await streamed(rpc, json, { path, request, body });
    } catch (error) {
      return failed(rpcErrorFrom(error));
    }
  };
}

type UnaryRpc = Extract<Rpc, { readonly kind: 'unary' }>;

interface Exchange {
  readonly path: string;
  readonly request: HttpRequest;
  readonly body: JsonBody;
}

async function unary(
  rpc: UnaryRpc,
  json: MethodJson,
  { path, request, body }: Exchange,
): Promise<HttpResponse> {
  const message = decoded(rpc, json, await body.one());
  const answer = await rpc.handler(message, new GatewayCall(path, request));
  return { status: 200, headers: OK_HEADERS, body: json.responseToJson(rpc.encode(answer)) };
}

async function streamed(
  rpc: Exclude<Rpc, UnaryRpc>,
  json: MethodJson,
  { path, request, body }: Exchange,
): Promise<HttpResponse> {
  const values = body.all();
  // A first request that is none is answered as such, not in the stream.
  const first = await values.next();
  const head = first.done === true ? [] : [decoded(rpc, json, first.value)];
  async function* requests(): AsyncGenerator {
    yield* head;
    for await (const value of values) yield decoded(rpc, json, value);
  }
  const stream = new GatewayStream(path, request, requests());
  const run =
    rpc.kind === 'bidi' ? rpc.handler(stream) : rpc.handler(head[0] ?? decoded(rpc, json, undefined), stream);
  run.then(
    () => stream.finish(),
    (error: unknown) => stream.fail(error),
  );
  const answers = stream.answers();
  const firstAnswer = await answers.next();
  async function* lines(): AsyncGenerator<string> {
    try {
      for (let next = firstAnswer; next.done !== true; next = await answers.next())
        yield `{"result":${json.responseToJson(rpc.encode(next.value))}}\n`;
    } catch (error) {
      yield `${streamError(rpcErrorFrom(error))}\n`;
    }
  }
  return { status: 200, headers: OK_HEADERS, body: lines() };
}

/** @throws RpcError */
function decoded(rpc: Rpc, json: MethodJson, value: Parameters<MethodJson['requestFromJson']>[0]): unknown {
  let bytes: Buffer;
  try {
    bytes = json.requestFromJson(value);
  } catch (error) {
    throw new RpcError(StatusCode.INVALID_ARGUMENT, (error as Error).message, { cause: error });
  }
  return rpc.decode(bytes);
}

function failed({ code, details }: RpcError): HttpResponse {
  const text = goString(details);
  const body = `{"error":${text},"message":${text},"code":${code}}`;
  return { status: httpStatusOf(code), headers: JSON_HEADERS, body };
}

function streamError({ code, details }: RpcError): string {
  const http = httpStatusOf(code);
  const status = goString(STATUS_CODES[http] ?? '');
  const codes = `"grpc_code":${code},"http_code":${http}`;
  return `{"error":{${codes},"message":${goString(details)},"http_status":${status}}}`;
}

/** How messages map, looked up once a method; the proto file is read at the first request only. */
class Mappings {
  #proto: ProtoJson | undefined;
  readonly #methods = new Map<GatewayRoute, MethodJson>();

  of(route: GatewayRoute): MethodJson {
    const known = this.#methods.get(route);
    if (known !== undefined) return known;
    this.#proto ??= protoJson('etcd-services');
    const made = this.#proto.method(route.service, route.method);
    this.#methods.set(route, made);
    return made;
  }
}
