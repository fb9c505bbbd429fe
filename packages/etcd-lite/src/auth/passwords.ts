import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '@kubelab/component-base';
import { RpcError, StatusCode } from '@kubelab/rpc';
import { EtcdError } from '../core/errors.ts';
import type { PasswordAnswer, PasswordJob } from './password-worker.ts';

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Is it the password that gave the hash? */
  matches(password: string, hash: Uint8Array): Promise<boolean>;
  stop(): void;
}

export interface BcryptOptions {
  readonly clock: Clock;
  /** etcd's `--bcrypt-cost`: each more doubles the work. */
  readonly cost: number;
}

/** bcrypt's own limit: it overlooks what comes after. */
const PASSWORD_BYTES_MAX = 72;
/** Anybody may try a password: what waits beyond this is refused. */
const WAITING_MAX = 256;
/** The thread costs some megabytes: it is kept while there is something to do. */
const IDLE_MS = 10_000;

interface Waiter {
  resolve(answer: string | boolean): void;
  reject(error: unknown): void;
}

/**
 * bcrypt on a thread of its own, one at a time: heartbeats and other clients' requests do not wait for it.
 */
export class BcryptPasswords implements Passwords {
  readonly #options: BcryptOptions;
  readonly #waiters = new Map<number, Waiter>();
  #worker: Worker | undefined;
  #idle: Timer | undefined;
  #lastId = 0;

  constructor(options: BcryptOptions) {
    this.#options = options;
  }

  async hash(password: string): Promise<string> {
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
      throw new RpcError(StatusCode.UNKNOWN, 'bcrypt: password length exceeds 72 bytes');
    }
    return String(await this.#ask(password, this.#options.cost));
  }

  async matches(password: string, hash: Uint8Array): Promise<boolean> {
    if (hash.length === 0) return false;
    return (await this.#ask(password, Buffer.from(hash).toString())) === true;
  }

  stop(): void {
    this.#end(new EtcdError('stopped'));
  }

  #ask(password: string, against: string | number): Promise<string | boolean> {
    return new Promise((resolve, reject) => {
      if (this.#waiters.size >= WAITING_MAX) throw new EtcdError('tooManyRequests');
      this.#idle?.cancel();
      this.#worker ??= this.#start();
      this.#lastId += 1;
      this.#waiters.set(this.#lastId, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      this.#worker.postMessage({ id: this.#lastId, password, against } satisfies PasswordJob);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL('./password-worker.ts', import.meta.url));
    worker.unref();
    worker.on('message', ({ id, answer }: PasswordAnswer) => {
      this.#waiters.get(id)?.resolve(answer);
      this.#waiters.delete(id);
      if (this.#waiters.size > 0) return;
      this.#idle = this.#options.clock.setTimer(IDLE_MS, () => this.stop());
    });
    worker.on('error', (error) => this.#end(error));
    return worker;
  }

  #end(error: unknown): void {
    this.#idle?.cancel();
    void this.#worker?.terminate();
    this.#worker = undefined;
    for (const waiter of this.#waiters.values()) waiter.reject(error);
    this.#waiters.clear();
  }
}
