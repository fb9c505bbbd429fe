import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Clock, realClock } from '@kubelab/component-base';

/**
 * What happens to bytes on their way. `blackhole`: they stay where they are until that ends, as on a network
 * that repeats them in vain; `drop`: connections break, and new ones are refused.
 */
export type Mood =
  | { readonly type: 'pass' | 'blackhole' | 'drop' }
  | { readonly type: 'delay'; readonly delayMs: number };

/** `there`: from who connects to who is connected to. */
export type Way = 'there' | 'back';

export interface TcpProxyOptions {
  /** `http://127.0.0.1:2380`: where the bytes go. */
  readonly target: string;
  /** Asked for each new connection: who has come, by the port at the other end. */
  readonly nameOf: (port: number) => Promise<string>;
  readonly moodOf: (comer: string, way: Way) => Mood;
}

/** Carries TCP connections to one target, in whatever mood they are to meet. */
export class TcpProxy {
  readonly #options: TcpProxyOptions;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();

  private constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#accept(socket));
  }

  static async listen(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await new Promise<void>((resolve) => void proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The target's URL with the proxy's port. */
  get url(): string {
    const address = this.#server.address();
    const url = new URL(this.#options.target);
    if (address !== null && typeof address !== 'string') url.port = String(address.port);
    return url.origin;
  }

  /** Moods have changed. */
  update(): void {
    for (const pair of this.#pairs) pair.update();
  }

  close(): void {
    this.#server.close();
    for (const pair of this.#pairs) pair.end();
  }

  async #accept(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    socket.pause();
    const { target, nameOf, moodOf } = this.#options;
    const comer = await nameOf(socket.remotePort ?? 0);
    const { hostname, port } = new URL(target);
    const far = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const pair = new Pair(socket, far, (way) => moodOf(comer, way));
    this.#pairs.add(pair);
    far.once('close', () => this.#pairs.delete(pair));
    pair.update();
  }
}

/** One connection: two sockets, two ways. */
class Pair {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #moodOf: (way: Way) => Mood;
  readonly #clock: Clock = realClock;

  constructor(near: Socket, far: Socket, moodOf: (way: Way) => Mood) {
    this.#near = near;
    this.#far = far;
    this.#moodOf = moodOf;
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.end());
      socket.on('close', () => this.end());
    }
    this.#carry('there', near, far);
    this.#carry('back', far, near);
  }

  update(): void {
    const moods = [this.#moodOf('there'), this.#moodOf('back')];
    if (moods.some(({ type }) => type === 'drop')) return this.end();
    for (const [i, socket] of [this.#near, this.#far].entries()) {
      if (moods[i]?.type === 'blackhole') socket.pause();
      else socket.resume();
    }
  }

  end(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  #carry(way: Way, from: Socket, to: Socket): void {
    const write = (bytes: Buffer): void => {
      // A slow reader slows the writer down, as without us.
      if (!to.writable || to.write(bytes)) return;
      from.pause();
      to.once('drain', () => this.update());
    };
    const line = new Line(this.#clock, () => this.#moodOf(way));
    from.on('data', (bytes: Buffer) => line.add(() => write(bytes)));
    from.on('end', () => line.add(() => to.end()));
  }
}

/** What is on its way: nothing overtakes, also when the delay changes. */
class Line {
  readonly #clock: Clock;
  readonly #mood: () => Mood;
  readonly #waiting: { readonly dueMs: number; readonly fn: () => void }[] = [];

  constructor(clock: Clock, mood: () => Mood) {
    this.#clock = clock;
    this.#mood = mood;
  }

  add(fn: () => void): void {
    const mood = this.#mood();
    const delayMs = mood.type === 'delay' ? mood.delayMs : 0;
    this.#waiting.push({ dueMs: this.#clock.monotonic() + delayMs, fn });
    if (this.#waiting.length === 1) this.#pump();
  }

  #pump(): void {
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const restMs = first.dueMs - this.#clock.monotonic();
      if (restMs > 0) {
        this.#clock.setTimer(restMs, () => this.#pump());
        return;
      }
      this.#waiting.shift();
      first.fn();
    }
  }
}
