import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '@kubelab/component-base';

export interface BalancerOptions {
  readonly listen: readonly Address[];
  readonly backends: readonly Address[];
  readonly connectTimeoutMs: number;
  readonly log: Logger;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Pipes each TCP connection to one of the backends, in turn; TLS passes through untouched.
 * LB-1: a connection is refused to the client only after every backend has refused it.
 * A backend that refused goes to the end of the order until it answers again, so that a dead one costs one attempt, not every second.
 */
export class Balancer {
  readonly #options: BalancerOptions;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #failing = new Set<Address>();
  #turn = 0;

  constructor(options: BalancerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await Promise.all(this.#options.listen.map((address) => this.#listen(address)));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  /** Where the servers listen, for `port: 0`. */
  get ports(): number[] {
    return this.#servers.map((server) => {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    });
  }

  #listen({ host, port }: Address): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => void this.#serve(client));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve());
    });
  }

  async #serve(client: Socket): Promise<void> {
    this.#track(client);
    for (const backend of this.#order()) {
      const upstream = await this.#dial(backend);
      if (upstream === undefined) {
        this.#failing.add(backend);
        continue;
      }
      this.#failing.delete(backend);
      this.#join(client, upstream);
      return;
    }
    this.#options.log.warn('no backend answers');
    client.destroy();
  }

  #order(): Address[] {
    const { backends } = this.#options;
    const first = this.#turn++ % backends.length;
    const rotated = [...backends.slice(first), ...backends.slice(0, first)];
    return rotated.toSorted((a, b) => Number(this.#failing.has(a)) - Number(this.#failing.has(b)));
  }

  #dial({ host, port }: Address): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const socket = connect({
        host,
        port,
        allowHalfOpen: true,
        noDelay: true,
        timeout: this.#options.connectTimeoutMs,
      });
      const give = (result: Socket | undefined) => {
        socket.removeAllListeners();
        socket.setTimeout(0);
        if (result === undefined) socket.destroy();
        resolve(result);
      };
      socket.once('connect', () => give(socket));
      socket.once('timeout', () => give(undefined));
      socket.once('error', () => give(undefined));
    });
  }

  #join(client: Socket, upstream: Socket): void {
    this.#track(upstream);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.once('error', end).once('close', end);
    // The client may have gone while the backend was dialled.
    if (client.destroyed) {
      end();
      return;
    }
    client.pipe(upstream);
    upstream.pipe(client);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** `host:port`, also `[::1]:6443`; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}
