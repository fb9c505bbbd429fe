import type { Metadata } from '@grpc/grpc-js';
import type { Channel } from '../channel.ts';
import { isRpcError } from '../status.ts';
import type { AuthenticateResponse } from './auth-messages.ts';
import { etcdServices } from './services.ts';

export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

const LOGIN_TIMEOUT_MS = 5000;
/** After these another token may do: ours ran out, is of an older auth revision, or auth was turned on. */
const STALE = [
  'etcdserver: invalid auth token',
  'etcdserver: revision of auth store is old',
  'etcdserver: user name is empty',
];

/** The token of one user of a cluster: every member knows it. */
export class Login {
  readonly #user: EtcdUser;
  /** Of an empty token: auth is off. */
  #token: Promise<string> | undefined;

  constructor(user: EtcdUser) {
    this.#user = user;
  }

  /** Asks with our token, and once more with a new one where that was not good any more. */
  async ask<Res>(
    channel: Channel,
    metadata: Metadata,
    ask: (metadata: Metadata) => Promise<Res>,
  ): Promise<Res> {
    try {
      return await ask(await this.addTo(metadata, channel));
    } catch (error) {
      if (!isRpcError(error) || !this.forgetAfter(error.details)) throw error;
      return ask(await this.addTo(metadata, channel));
    }
  }

  /** `metadata` with our token. Rejects with `RpcError` where there is none to be had. */
  async addTo(metadata: Metadata, channel: Channel): Promise<Metadata> {
    this.#token ??= this.#authenticate(channel);
    const token = await this.#token;
    if (token !== '') metadata.set('token', token);
    return metadata;
  }

  /** True: a call that was refused with these words is worth another try, with a new token. */
  forgetAfter(text: string): boolean {
    // A cancelled watch has its status spelled out before them.
    if (!STALE.some((each) => text.endsWith(each))) return false;
    this.#token = undefined;
    return true;
  }

  async #authenticate(channel: Channel): Promise<string> {
    try {
      const timeoutMs = LOGIN_TIMEOUT_MS;
      const answer = await channel.unary<AuthenticateResponse>(
        etcdServices.Auth,
        'Authenticate',
        this.#user,
        { timeoutMs },
      );
      return answer.token;
    } catch (error) {
      if (isRpcError(error, 'FAILED_PRECONDITION')) return '';
      this.#token = undefined;
      throw error;
    }
  }
}
