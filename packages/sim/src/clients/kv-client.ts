import type { Random } from '@kubelab/component-base';
import type { SimNode } from '../world/sim-node.ts';
import type { Timeline } from '../world/timeline.ts';
import { call, isRefusal } from './call.ts';
import { type Answer, describeRequest, type Operation, type Outcome, type Request } from './operation.ts';

export interface ClientWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly nodes: readonly SimNode[];
  readonly operations: Operation[];
  /** What everybody knows: leases to hang keys on, the newest revision anybody has seen. */
  readonly shared: Shared;
  readonly onAnswer: (operation: Operation) => void;
  readonly isOver: () => boolean;
}

export interface Shared {
  readonly leases: number[];
  revision: number;
  /** The largest that was asked for. */
  compactedMax: number;
}

const THINK_MS = 8;
/** After this a client gives up on an answer; then it does not know. */
const PATIENCE_MS = 1500;
const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];
/** These hang on leases, and are never deleted by clients. */
const LEASED_KEYS = ['e0', 'e1', 'e2'];

/** One client: asks, waits for the answer or gives up, thinks, asks again, of any member. */
export class KvClient {
  readonly #number: number;
  readonly #world: ClientWorld;
  #writeCount = 0;
  /** Key → mod revision as last read here. */
  readonly #known = new Map<string, number>();

  constructor(number: number, world: ClientWorld) {
    this.#number = number;
    this.#world = world;
    this.#think();
  }

  /** One more put, whatever the time: is the store alive? */
  probe(node: SimNode): Operation {
    return this.#ask(node, this.#put('k0', 0));
  }

  /** Marks what no answer can come to any more. */
  static giveUp(operations: readonly Operation[]): void {
    for (const operation of operations) if (operation.outcome === 'pending') operation.outcome = 'unknown';
  }

  #think(): void {
    const { timeline, random, nodes, isOver } = this.#world;
    timeline.at(THINK_MS * 2 * random.float(), undefined, { event: 'think' }, () => {
      if (isOver()) return;
      const node = nodes[random.int(nodes.length)];
      if (node?.running === undefined) this.#think();
      else this.#ask(node, this.#request());
    });
  }

  #ask(node: SimNode, request: Request): Operation {
    const { timeline, random, operations } = this.#world;
    const invokedMs = timeline.nowMs;
    const operation: Operation = {
      client: this.#number,
      request,
      invokedMs,
      returnedMs: Infinity,
      outcome: 'pending',
      answer: undefined,
    };
    operations.push(operation);
    const note = `c${this.#number} ${describeRequest(request)}`;
    const latencyMs = (): number => 0.2 * (0.5 + random.float());
    const end = (outcome: Outcome, answer?: Answer): void => {
      timeline.at(latencyMs(), undefined, { event: outcome, note }, () =>
        this.#end(operation, outcome, answer),
      );
    };
    timeline.at(latencyMs(), node.life, { event: 'request', note }, () => {
      if (node.running === undefined) return end('refused');
      call(node.running, request).then(
        (answer) => end('ok', answer),
        (err: unknown) => end(isRefusal(err) ? 'refused' : 'unknown'),
      );
    });
    timeline.at(PATIENCE_MS, undefined, { event: 'patience', note }, () => this.#end(operation, 'unknown'));
    return operation;
  }

  #end(operation: Operation, outcome: Outcome, answer?: Answer): void {
    if (operation.outcome !== 'pending') return;
    operation.outcome = outcome;
    operation.answer = answer;
    if (outcome !== 'unknown') operation.returnedMs = this.#world.timeline.nowMs;
    for (const { key, modRevision } of answer?.found ?? []) this.#known.set(key, modRevision);
    const { shared } = this.#world;
    shared.revision = Math.max(shared.revision, answer?.revision ?? 0);
    if (outcome === 'ok' && operation.request.type === 'grant') shared.leases.push(operation.request.lease);
    this.#world.onAnswer(operation);
    this.#think();
  }

  #request(): Request {
    const { random, shared } = this.#world;
    const key = KEYS[random.int(KEYS.length)] ?? 'k0';
    const end = random.float() < 0.2 ? 'k9' : undefined;
    const dice = random.float();
    if (dice < 0.35) return this.#put(key, 0);
    if (dice < 0.55) return { type: 'get', key, end, serializable: false };
    if (dice < 0.6) return { type: 'get', key, end, serializable: true };
    if (dice < 0.7) return { type: 'delete', key, end };
    if (dice < 0.83) {
      const expected = random.float() < 0.2 ? 0 : (this.#known.get(key) ?? 0);
      return { type: 'cas', key, expected, value: this.#value() };
    }
    if (dice < 0.88) {
      const revision = Math.max(1, shared.revision - random.int(15));
      shared.compactedMax = Math.max(shared.compactedMax, revision);
      return { type: 'compact', revision };
    }
    if (dice < 0.91 || shared.leases.length === 0)
      return { type: 'grant', lease: 1 + random.int(2 ** 31), ttlSeconds: 1 };
    const lease = shared.leases[random.int(shared.leases.length)] ?? 0;
    if (dice < 0.94) return { type: 'keep-alive', lease };
    return this.#put(LEASED_KEYS[random.int(LEASED_KEYS.length)] ?? 'e0', lease);
  }

  #put(key: string, lease: number): Request {
    return { type: 'put', key, value: this.#value(), lease };
  }

  /** Nobody else ever writes this one. */
  #value(): string {
    const { random } = this.#world;
    const padding = random.float() < 0.15 ? '-'.repeat(random.int(2000)) : '';
    return `c${this.#number}-${this.#writeCount++}${padding}`;
  }
}
