import { podQosClass } from '@kubelab/api';
import type { DeepReadonly } from '@kubelab/client';
import type { Refusal } from '../core/admission.ts';
import type { WaitingReason } from '../core/container-status.ts';
import { podStatus } from '../core/pod-status.ts';
import { isPodTerminal, noRuntime, type PodObject, type PodRuntime, type PodStatus } from '../core/types.ts';
import type { ContainerRecord } from '../runtime/types.ts';
import type { PodDeps } from './deps.ts';
import { readLastWords } from './last-words.ts';

/** What one worker knows of its pod: as wanted, as it runs, as it was told to the API. */
export class PodView {
  pod: PodObject;
  /** undefined: must be asked for. */
  runtime: PodRuntime | undefined;
  /** Set by the node's own decisions; such a pod has failed. */
  failure: Refusal | undefined;
  /** Why containers are not there, by name. */
  readonly waiting = new Map<string, WaitingReason>();
  /** Containers that are being stopped to be started anew. */
  readonly killing = new Set<string>();
  /** Resolves when the pod is to go: nothing more is worth waiting for. */
  readonly ending: Promise<void>;
  #end: () => void = () => undefined;
  #isEnding = false;
  #status: PodStatus | undefined;
  readonly #deps: PodDeps;
  readonly #lastWords = new Map<string, string>();

  constructor(deps: PodDeps, pod: PodObject, runtime: PodRuntime) {
    this.#deps = deps;
    this.pod = pod;
    this.runtime = runtime;
    this.ending = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  end(): void {
    this.#isEnding = true;
    this.#end();
  }

  get wasTold(): boolean {
    return this.#status !== undefined;
  }

  get podIp(): string {
    return this.#status?.podIP ?? '';
  }

  get isTerminal(): boolean {
    return isPodTerminal(this.previous());
  }

  /** What runs: from memory, or from the runtime when something may have changed there. */
  async look(): Promise<PodRuntime> {
    const { uid } = this.pod.metadata;
    if (this.runtime === undefined) {
      const asked = this.#deps.runtime.listPods(uid);
      this.runtime = noRuntime; // an event that comes while we ask makes it unknown again
      const runtime = await asked;
      if (this.runtime === noRuntime) this.runtime = runtime;
      await this.hear(runtime);
      return runtime;
    }
    return this.runtime;
  }

  /** Takes in what ended containers have left to say, before their status is told. */
  hear(runtime: PodRuntime): Promise<void> {
    return readLastWords(this.#deps, this.pod, runtime, this.#lastWords);
  }

  /** Asks the runtime, whatever is remembered. */
  async lookAgain(): Promise<PodRuntime> {
    this.runtime = undefined;
    return this.look();
  }

  /** The newest status known; readiness gates and conditions of others come from the API. */
  previous(): DeepReadonly<PodStatus> | undefined {
    const told = this.pod.status;
    if (this.#status === undefined || isPodTerminal(told)) return told;
    const gates = new Set((this.pod.spec.readinessGates ?? []).map(({ conditionType }) => conditionType));
    const ours = (this.#status.conditions ?? []).filter(({ type }) => !gates.has(type));
    const types = new Set(ours.map(({ type }) => type));
    const theirs = (told?.conditions ?? []).filter(({ type }) => !types.has(type));
    return { ...this.#status, conditions: [...ours, ...theirs] };
  }

  /** Works the status out and hands it to be written. */
  tell(runtime: PodRuntime, isFinished = false): void {
    const { clock, facts, prober, statuses, onStatus } = this.#deps;
    prober.sync(this.pod, runtime, (record) => this.wasReady(record));
    const previous = this.previous();
    this.#status = podStatus({
      pod: this.pod,
      runtime,
      probes: prober,
      previous,
      waiting: this.waiting,
      terminationMessages: this.#lastWords,
      nowMs: clock.now(),
      hostIp: facts.hostIp,
      qosClass: previous?.qosClass ?? podQosClass(this.pod),
      scheme: this.#deps.runtime.scheme,
      isFinished,
      failure: this.failure,
    });
    statuses.set(this.pod, this.#status);
    onStatus(this.pod, this.#status);
  }

  /** What an earlier kubelet found out about a container that still runs. */
  wasReady(record: ContainerRecord): boolean {
    const id = `${this.#deps.runtime.scheme}://${record.id}`;
    const { containerStatuses = [], initContainerStatuses = [] } = this.pod.status ?? {};
    return [...containerStatuses, ...initContainerStatuses].some(
      ({ containerID, ready }) => containerID === id && ready,
    );
  }
}
