import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  connectivityState,
  Metadata,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { must, realClock } from '@kubelab/component-base';
import { clientCredentials } from './credentials.ts';
import { RpcError, rpcErrorFrom, StatusCode } from './status.ts';
import { type ClientTls, hostPort } from './tls.ts';

export interface ChannelOptions {
  readonly tls?: ClientTls | undefined;
  /** A ping after this much silence, so that a peer that hangs is noticed; 0 for none. */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
  /** The longest pause between two attempts to connect. */
  readonly reconnectBackoffMaxMs?: number;
}

export interface UnaryOptions {
  readonly metadata?: Metadata | Readonly<Record<string, string>> | undefined;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const RECONNECT_BACKOFF_MIN_MS = 100;
const RECONNECT_BACKOFF_MAX_MS = 1000;
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5000;

/** One connection (kept up as long as there are calls) to one server. */
export class Channel {
  readonly url: string;
  readonly #client: Client;

  constructor(url: string, options: ChannelOptions = {}) {
    this.url = url;
    const { tls } = options;
    const keepaliveTimeMs = options.keepaliveTimeMs ?? KEEPALIVE_TIME_MS;
    this.#client = new Client(hostPort(url), clientCredentials(url, tls), {
      'grpc.max_receive_message_length': -1,
      'grpc.max_send_message_length': -1,
      'grpc.initial_reconnect_backoff_ms': RECONNECT_BACKOFF_MIN_MS,
      'grpc.max_reconnect_backoff_ms': options.reconnectBackoffMaxMs ?? RECONNECT_BACKOFF_MAX_MS,
      'grpc.service_config_disable_resolution': 1,
      // A container that was started again may have another address.
      'grpc.dns_min_time_between_resolutions_ms': RECONNECT_BACKOFF_MAX_MS,
      'grpc.enable_channelz': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      ...(keepaliveTimeMs === 0
        ? {}
        : {
            'grpc.keepalive_time_ms': keepaliveTimeMs,
            'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? KEEPALIVE_TIMEOUT_MS,
          }),
      ...(tls?.serverName === undefined ? {} : { 'grpc.ssl_target_name_override': tls.serverName }),
    });
  }

  unary<Res>(
    service: ServiceDefinition,
    rpc: string,
    request: object,
    options: UnaryOptions = {},
  ): Promise<Res> {
    const method = must(service[rpc], rpc);
    return new Promise((resolve, reject) => {
      let call: ClientUnaryCall | undefined;
      const cancel = (): void => call?.cancel();
      options.signal?.addEventListener('abort', cancel, { once: true });
      call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadataOf(options),
        callOptions(options),
        (error, value: Res | undefined) => {
          options.signal?.removeEventListener('abort', cancel);
          if (error === null) resolve(must(value, 'response'));
          else reject(rpcErrorFrom(error));
        },
      );
      if (options.signal?.aborted === true) call.cancel();
    });
  }

  serverStream<Res>(
    service: ServiceDefinition,
    rpc: string,
    request: object,
    metadata: Metadata = new Metadata(),
  ): ClientReadableStream<Res> {
    const method = must(service[rpc], rpc);
    return this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      metadata,
    );
  }

  bidi<Req, Res>(
    service: ServiceDefinition,
    rpc: string,
    options: UnaryOptions = {},
  ): ClientDuplexStream<Req, Res> {
    const method = must(service[rpc], rpc);
    return this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadataOf(options),
      callOptions(options),
    );
  }

  /** A bidirectional stream used as a call: one request, the first answer, done. */
  exchange<Res>(
    service: ServiceDefinition,
    rpc: string,
    request: object,
    options: UnaryOptions = {},
  ): Promise<Res> {
    const stream = this.bidi<object, Res>(service, rpc, options);
    return new Promise((resolve, reject) => {
      stream.once('data', (answer: Res) => {
        resolve(answer);
        stream.cancel();
      });
      stream.on('error', (error) => reject(rpcErrorFrom(error)));
      stream.on('end', () => reject(new RpcError(StatusCode.UNAVAILABLE, 'stream ended without an answer')));
      stream.write(request);
      stream.end();
    });
  }

  /**
   * Connected right now; a call made otherwise waits for a connection, or for the news that there is none.
   */
  get isReady(): boolean {
    return this.#client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  close(): void {
    this.#client.close();
  }
}

function metadataOf({ metadata }: UnaryOptions): Metadata {
  return metadata instanceof Metadata ? metadata : Metadata.fromHttp2Headers(metadata ?? {});
}

function callOptions({ timeoutMs }: UnaryOptions): CallOptions {
  // grpc-js wants the deadline by the wall clock.
  return timeoutMs === undefined ? {} : { deadline: realClock.now() + timeoutMs };
}
