import { Metadata } from '@grpc/grpc-js';
import { type ClientTls, isRpcError, statusName } from '@kubelab/rpc';
import { Channel } from '@kubelab/rpc/client';
import { type AuthenticateResponse, etcdServices, type WatchResponse } from '@kubelab/rpc/etcd';

export type Service = keyof typeof etcdServices;
/** A call's metadata: a token under `token`, or whatever else. */
export type Headers = Readonly<Record<string, string>>;

/** One endpoint, called without any help: no retries, no login. */
export class RawClient {
  readonly #channel: Channel;

  constructor(url: string, tls?: ClientTls) {
    this.#channel = new Channel(url, { tls });
  }

  call<Res = object>(
    service: Service,
    rpc: string,
    request: object = {},
    headers: Headers = {},
  ): Promise<Res> {
    const metadata = metadataOf(headers);
    return this.#channel.unary<Res>(etcdServices[service], rpc, request, { metadata, timeoutMs: 10_000 });
  }

  /** `OK`, or code and text of the refusal. */
  outcome(service: Service, rpc: string, request: object = {}, headers: Headers = {}): Promise<string> {
    return outcomeOf(this.call(service, rpc, request, headers));
  }

  /** As `call`, for an RPC of streams: the first answer. */
  exchange<Res = object>(
    service: Service,
    rpc: string,
    request: object,
    headers: Headers = {},
  ): Promise<Res> {
    const metadata = metadataOf(headers);
    return this.#channel.exchange<Res>(etcdServices[service], rpc, request, { metadata, timeoutMs: 10_000 });
  }

  /** `OK`, or why the watch was cancelled right away. */
  async watchOutcome(createRequest: object, headers: Headers = {}): Promise<string> {
    const response = await this.exchange<WatchResponse>('Watch', 'Watch', { createRequest }, headers);
    return response.canceled ? `${response.watchId} ${response.cancelReason}` : 'OK';
  }

  /** The headers that say who asks. */
  async login(name: string, password: string): Promise<Headers> {
    const { token } = await this.call<AuthenticateResponse>('Auth', 'Authenticate', { name, password });
    return { token };
  }

  close(): void {
    this.#channel.close();
  }
}

export async function outcomeOf(asked: Promise<unknown>): Promise<string> {
  try {
    await asked;
    return 'OK';
  } catch (error) {
    if (!isRpcError(error)) throw error;
    return `${statusName(error.code)} ${error.details}`;
  }
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}
