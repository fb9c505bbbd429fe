import { TcpProxy, type Mood } from './tcp-proxy.ts';
import { holderOf } from './who-connects.ts';

/** Everybody who is no member. */
export const CLIENTS = 'clients';
const PASS: Mood = { type: 'pass' };

/**
 * All that members and clients say to each other, through proxies of ours: each way between two of them has a
 * mood of its own, whoever has connected to whom.
 */
export class ProxiedNetwork {
  readonly #proxies: TcpProxy[] = [];
  readonly #moods = new Map<string, Mood>();
  readonly #pids: () => ReadonlyMap<string, number>;

  /** `pids`: name → process, of those that run now. */
  constructor(pids: () => ReadonlyMap<string, number>) {
    this.#pids = pids;
  }

  /** A URL that leads to `target`, which `name` serves to clients or to its peers. */
  async front(target: string, name: string, side: 'client' | 'peer'): Promise<string> {
    const proxy = await TcpProxy.listen({
      target,
      nameOf: (port) => (side === 'client' ? Promise.resolve(CLIENTS) : this.#nameOf(port)),
      moodOf: (comer, way) => (way === 'there' ? this.#mood(comer, name) : this.#mood(name, comer)),
    });
    this.#proxies.push(proxy);
    return proxy.url;
  }

  /** What `from` says to `to`. */
  set(from: string, to: string, mood: Mood): void {
    this.#moods.set(`${from}>${to}`, mood);
    this.#update();
  }

  setBoth(a: string, b: string, mood: Mood): void {
    this.set(a, b, mood);
    this.set(b, a, mood);
  }

  heal(): void {
    this.#moods.clear();
    this.#update();
  }

  close(): void {
    for (const proxy of this.#proxies) proxy.close();
  }

  #mood(from: string, to: string): Mood {
    return this.#moods.get(`${from}>${to}`) ?? PASS;
  }

  #update(): void {
    for (const proxy of this.#proxies) proxy.update();
  }

  async #nameOf(port: number): Promise<string> {
    const pids = this.#pids();
    const pid = await holderOf(port, [...pids.values()]);
    return [...pids].find((each) => each[1] === pid)?.[0] ?? 'nobody';
  }
}
