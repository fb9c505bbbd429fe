import type { KubeList, KubeObject, ResourceType } from '@kubelab/api';
import { apiErrorFrom, isStatus } from '@kubelab/api';
import { must } from '@kubelab/component-base';
import type { KubeVerb } from '@kubelab/rpc/kube-api';
import { listQuery, queryString, resourcePath } from './requests.ts';
import { callServers } from './transport/call.ts';
import { type Server, Servers } from './transport/servers.ts';
import { type Transport, TransportError } from './transport/transport.ts';
import type {
  ClientConfig,
  KubeClient,
  ListOptions,
  PatchType,
  RuntimeDeps,
  WatchEvent,
  WatchOptions,
} from './types.ts';

const CALL_TIMEOUT_MS = 10_000;
const LIST_TIMEOUT_MS = 30_000;
const NO_BODY = new Uint8Array(0);
const FIELD_MANAGER_MAX = 128;

const PATCH_CONTENT_TYPE: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
};

/**
 * A client over a list of API servers, each `https://` (REST) or `grpcs://` (gRPC). It stays with the one
 * that works; see `transport/call.ts` for what is retried and `transport/servers.ts` for which server is
 * next. Opens nothing before the first call.
 */
export function createClient(config: ClientConfig, deps: RuntimeDeps): KubeClient {
  const { clock, log } = deps;
  const servers = new Servers(config.servers, clock, deps.random);
  const transports = new Map<string, Promise<Transport>>();
  const fieldManager = config.userAgent.split('/')[0]?.slice(0, FIELD_MANAGER_MAX);

  return {
    get: (type, ref, options = {}) =>
      call('get', resourcePath(type, { ...ref, subresource: options.subresource }), {
        query: { resourceVersion: options.resourceVersion },
        timeoutMs: options.timeoutMs,
      }),
    async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}) {
      const path = resourcePath(type, { namespace: options.namespace });
      const list = await call<KubeList<T>>('list', path, {
        query: listQuery(options),
        timeoutMs: LIST_TIMEOUT_MS,
      });
      // Items of a list come without their kind; ours always have it.
      for (const item of (list.items ??= [])) nameKind(type, item);
      return list;
    },
    create(type, object, options = {}) {
      const { namespace } = object.metadata;
      const name = options.subresource === undefined ? undefined : object.metadata.name;
      const path = resourcePath(type, { namespace, name, subresource: options.subresource });
      const { timeoutMs } = options;
      return call('create', path, { query: writeQuery(options), body: withKind(type, object), timeoutMs });
    },
    update(type, object, options = {}) {
      const { name, namespace } = object.metadata;
      const path = resourcePath(type, { namespace, name, subresource: options.subresource });
      const { timeoutMs } = options;
      return call('update', path, { query: writeQuery(options), body: withKind(type, object), timeoutMs });
    },
    updateStatus(type, object) {
      return this.update(type, object, { subresource: 'status' });
    },
    patch(type, ref, patch, options = {}) {
      const contentType = PATCH_CONTENT_TYPE[options.type ?? 'strategic'];
      const path = resourcePath(type, { ...ref, subresource: options.subresource });
      const { timeoutMs } = options;
      return call('patch', path, { query: writeQuery(options), body: patch, contentType, timeoutMs });
    },
    async delete(type, ref, options = {}) {
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
      await call('delete', resourcePath(type, ref), { body });
    },
    async deleteCollection(type, options = {}) {
      const path = resourcePath(type, { namespace: options.namespace });
      await call('deletecollection', path, { query: listQuery(options) });
    },
    createSubresource: (type, ref, subresource, body) =>
      call('create', resourcePath(type, { ...ref, subresource }), { body }),
    watch,
    raw(verb, pathAndQuery, body) {
      const [path = '', query = ''] = pathAndQuery.split('?');
      return call(verb, path, { rawQuery: query, body });
    },
    close() {
      for (const transport of transports.values()) void transport.then((open) => open.close());
      transports.clear();
    },
  };

  async function call<R>(verb: KubeVerb, path: string, options: CallOptions = {}): Promise<R> {
    const body = options.body === undefined ? NO_BODY : Buffer.from(JSON.stringify(options.body));
    const query = options.rawQuery ?? queryString(options.query ?? {});
    const contentType = options.contentType ?? (body.length > 0 ? 'application/json' : '');
    const request = { verb, path, query, contentType, body };
    const response = await callServers(
      { servers, clock, transportTo },
      request,
      options.timeoutMs ?? CALL_TIMEOUT_MS,
    );
    for (const warning of response.warnings) log.warn('api server warning', { path, warning });
    return parse(response.body) as R;
  }

  async function* watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    const query = queryString({
      ...listQuery(options),
      watch: true,
      allowWatchBookmarks: options.allowWatchBookmarks,
      timeoutSeconds: options.timeoutSeconds,
    });
    const { server, waitMs } = servers.pick();
    if (waitMs > 0) await clock.sleep(waitMs, options.signal).catch(() => undefined);
    if (isAborted(options.signal)) return;
    const lost = server.lost.signal;
    const signal = options.signal === undefined ? lost : AbortSignal.any([options.signal, lost]);
    try {
      const path = resourcePath(type, { namespace: options.namespace });
      for await (const frame of (await transportTo(server)).watch(path, query, signal)) {
        server.heardAtMs = clock.monotonic();
        if (frame.type === 'ERROR') throw apiErrorFrom(frame.object);
        if (frame.type === 'BOOKMARK') yield bookmarkOf(frame.object);
        else yield { type: frame.type, object: nameKind(type, frame.object as T) };
      }
    } catch (error) {
      if (error instanceof TransportError || isStatus(error, 'ServiceUnavailable'))
        servers.failed(server, error, lost);
      throw error;
    }
    if (lost.aborted && !isAborted(options.signal)) {
      throw new TransportError(server.url, 'server lost', { maybeSent: false, cause: lost.reason });
    }
  }

  function transportTo(server: Server): Promise<Transport> {
    let transport = transports.get(server.url);
    if (transport === undefined) {
      transport = openTransport(server.url, config);
      transports.set(server.url, transport);
    }
    return transport;
  }

  function writeQuery(options: { readonly dryRun?: boolean | undefined }) {
    return { dryRun: options.dryRun === true ? 'All' : undefined, fieldManager };
  }
}

interface CallOptions {
  readonly query?: Parameters<typeof queryString>[0];
  readonly rawQuery?: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly timeoutMs?: number | undefined;
}

/** Only the wire in use is loaded: gRPC and HTTPS each cost a few megabytes. */
async function openTransport(url: string, config: ClientConfig): Promise<Transport> {
  if (/^grpcs?:/.test(url)) return (await import('./transport/grpc.ts')).grpcTransport(url, config);
  return (await import('./transport/rest.ts')).restTransport(url, config);
}

/** A function, as the compiler takes a property it has read once for unchanged. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function parse(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
}

function withKind<O extends object>(type: ResourceType, object: O): O & { apiVersion: string; kind: string } {
  return { ...object, apiVersion: type.apiVersion, kind: type.kind };
}

function nameKind<T extends KubeObject>(type: ResourceType<T>, object: T): T {
  object.apiVersion ??= type.apiVersion;
  object.kind ??= type.kind;
  return object;
}

function bookmarkOf(object: KubeObject): WatchEvent<never> {
  const { resourceVersion, annotations } = object.metadata;
  const version = must(resourceVersion, 'the resourceVersion of a bookmark');
  return {
    type: 'BOOKMARK',
    resourceVersion: version,
    ...(annotations === undefined ? {} : { annotations }),
  };
}
