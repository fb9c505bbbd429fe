import type { Random } from '@kubelab/component-base';
import { EtcdError } from '@kubelab/etcd-lite';
import type { NetworkMood } from '../world/sim-network.ts';
import type { SimNode } from '../world/sim-node.ts';
import type { Timeline } from '../world/timeline.ts';
import { call, isRefusal, storeOf } from './call.ts';
import { type Answer, describeRequest, type Operation, type Outcome, type Request } from './operation.ts';
import { richCall } from './rich-call.ts';
import { isRich, type RichRequest } from './rich-request.ts';
import { Requests, type Shared } from './requests.ts';

export interface ClientWorld {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly nodes: readonly SimNode[];
  readonly network: Pick<NetworkMood, 'hidden'>;
  /** Of requests, and of answers. */
  readonly lossRate: number;
  readonly operations: Operation[];
  readonly shared: Shared;
  /** Of requests of any shape. */
  readonly richShare: number;
  readonly onAsk: (operation: Operation) => void;
  readonly onAnswer: (operation: Operation) => void;
  readonly isOver: () => boolean;
}

const THINK_MS = 8;
/** After this a client gives up on an answer; then it does not know. */
const PATIENCE_MS = 1500;

/** One client: asks, waits for the answer or gives up, thinks, asks again, of any member. */
export class KvClient {
  readonly #number: number;
  readonly #world: ClientWorld;
  readonly #requests: Requests;

  constructor(number: number, world: ClientWorld) {
    this.#number = number;
    this.#world = world;
    this.#requests = new Requests(`c${number}`, world.random, world.shared);
    this.#think();
  }

  /** One more put, whatever the time: is the store alive? */
  probe(node: SimNode): Operation {
    return this.ask(node, this.#requests.probe());
  }

  /** Marks what no answer can come to any more. */
  static giveUp(operations: readonly Operation[]): void {
    for (const operation of operations) if (operation.outcome === 'pending') operation.outcome = 'unknown';
  }

  #think(): void {
    const { timeline, random, nodes, isOver, richShare } = this.#world;
    timeline.at(THINK_MS * 2 * random.float(), undefined, { event: 'think' }, () => {
      if (isOver()) return;
      const node = nodes[random.int(nodes.length)];
      if (node?.serving === undefined) this.#think();
      else this.ask(node, random.float() < richShare ? this.#requests.rich() : this.#requests.next());
    });
  }

  ask(node: SimNode, request: Request | RichRequest): Operation {
    const { timeline, random, operations, network, lossRate, isOver } = this.#world;
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
    this.#world.onAsk(operation);
    const note = `c${this.#number} ${describeRequest(request)}`;
    const latencyMs = (): number => 0.2 * (0.5 + random.float());
    const end = (outcome: Outcome, answer?: Answer): void => {
      if (isLost()) return;
      timeline.at(latencyMs(), undefined, { event: outcome, note }, () =>
        this.#end(operation, outcome, answer),
      );
    };
    const isLost = (): boolean => network.hidden.has(node.name) || (!isOver() && random.float() < lossRate);
    timeline.at(latencyMs(), node.life, { event: 'request', note }, () => {
      if (isLost()) return;
      if (node.serving === undefined) return end('refused');
      const asked = isRich(request) ? richCall(node.serving, request) : call(storeOf(node.serving), request);
      asked.then(
        (answer) => end('ok', answer),
        (err: unknown) => {
          if (err instanceof EtcdError) operation.reason = err.reason;
          end(isRefusal(err) ? 'refused' : 'unknown');
        },
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
    for (const { key, modRevision } of answer?.found ?? []) this.#requests.saw(key, modRevision);
    const { shared } = this.#world;
    shared.revision = Math.max(shared.revision, answer?.revision ?? 0);
    if (outcome === 'ok' && operation.request.type === 'grant') shared.leases.push(operation.request.lease);
    this.#world.onAnswer(operation);
    this.#think();
  }
}
