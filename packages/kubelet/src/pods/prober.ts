import type { Clock, Logger, Timer } from '@kubelab/component-base';
import type { ProbeResults } from '../core/plan-pod.ts';
import { type ContainerSpec, podContainers, type PodObject, type PodRuntime } from '../core/types.ts';
import type { ContainerRecord, Runtime } from '../runtime/types.ts';
import { runHandler } from './handlers.ts';

type ProbeKind = 'startup' | 'liveness' | 'readiness';
const KINDS = ['startup', 'liveness', 'readiness'] as const;
const WORDS: Readonly<Record<ProbeKind, string>> = {
  startup: 'Startup',
  liveness: 'Liveness',
  readiness: 'Readiness',
};

type ProbeSpec = NonNullable<ContainerSpec['livenessProbe']>;

interface Verdict {
  /** undefined: nothing decided yet. */
  passes: boolean | undefined;
  inRow: number;
  last: boolean | undefined;
  timer: Timer | undefined;
}

interface Probed {
  readonly pod: PodObject;
  readonly container: ContainerSpec;
  readonly podIp: string;
  readonly verdicts: Map<ProbeKind, Verdict>;
  isStopped: boolean;
}

export interface ProberOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hostIp: string;
  /** A verdict changed: the pod is worth another look. */
  readonly onChange: (podUid: string) => void;
  readonly event: (pod: PodObject, reason: string, message: string) => void;
}

/**
 * Runs the probes of running containers and keeps their verdicts.
 * Invariants
 *   PROBE-1  liveness and readiness are not asked before startup has passed
 */
export class Prober implements ProbeResults {
  readonly #options: ProberOptions;
  readonly #probed = new Map<string, Probed>();

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** Begins with what runs, ends with what does not. `wasReady` tells what an earlier kubelet had found. */
  sync(pod: PodObject, runtime: PodRuntime, wasReady: (record: ContainerRecord) => boolean): void {
    const specs = new Map(podContainers(pod).map((container) => [container.spec.name, container]));
    for (const record of runtime.containers) {
      const container = specs.get(record.name);
      if (record.state !== 'running' || container === undefined || container.kind === 'init') {
        this.#stop(record.id);
      } else if (!this.#probed.has(record.id)) {
        const ip = runtime.sandboxes[0]?.ip ?? '';
        const podIp = pod.spec.hostNetwork === true ? this.#options.hostIp : ip;
        this.#start(pod, container.spec, record, podIp, wasReady(record));
      }
    }
  }

  startup(containerId: string): 'pending' | 'passed' | 'failed' {
    const verdict = this.#probed.get(containerId)?.verdicts.get('startup');
    if (verdict === undefined || verdict.passes === true) return 'passed';
    return verdict.passes === false ? 'failed' : 'pending';
  }

  liveness(containerId: string): 'passed' | 'failed' {
    return this.#probed.get(containerId)?.verdicts.get('liveness')?.passes === false ? 'failed' : 'passed';
  }

  isReady(containerId: string): boolean {
    const probed = this.#probed.get(containerId);
    if (probed === undefined) return false;
    const verdict = probed.verdicts.get('readiness');
    return verdict === undefined || verdict.passes === true;
  }

  /** The pod is being taken down: nobody is to restart it, and its readiness is no longer asked. */
  stopPod(uid: string): void {
    for (const [id, probed] of this.#probed) if (probed.pod.metadata.uid === uid) this.#stop(id);
  }

  #start(
    pod: PodObject,
    container: ContainerSpec,
    record: ContainerRecord,
    podIp: string,
    wasReady: boolean,
  ): void {
    const probed: Probed = { pod, container, podIp, verdicts: new Map(), isStopped: false };
    this.#probed.set(record.id, probed);
    const ageMs = this.#options.clock.now() - (record.startedAtMs ?? record.createdAtMs);
    for (const kind of KINDS) {
      const spec = specOf(container, kind);
      if (spec === undefined) continue;
      const passes =
        kind === 'liveness' ? true : kind === 'readiness' ? wasReady : wasReady ? true : undefined;
      probed.verdicts.set(kind, { passes, inRow: 0, last: undefined, timer: undefined });
      const waitMs = Math.max(0, (spec.initialDelaySeconds ?? 0) * 1000 - ageMs);
      if (kind === 'startup' && passes === true) continue;
      this.#schedule(record.id, probed, kind, spec, waitMs);
    }
  }

  #schedule(id: string, probed: Probed, kind: ProbeKind, spec: ProbeSpec, delayMs: number): void {
    const verdict = probed.verdicts.get(kind);
    if (verdict === undefined || probed.isStopped) return;
    verdict.timer = this.#options.clock.setTimer(delayMs, () => {
      void this.#probe(id, probed, kind, spec, verdict).then((goesOn) => {
        if (goesOn) this.#schedule(id, probed, kind, spec, (spec.periodSeconds ?? 10) * 1000);
      });
    });
  }

  /** One try; false when this probe has nothing more to find out. */
  async #probe(
    id: string,
    probed: Probed,
    kind: ProbeKind,
    spec: ProbeSpec,
    verdict: Verdict,
  ): Promise<boolean> {
    if (kind !== 'startup' && this.startup(id) !== 'passed') return true; // PROBE-1
    const { runtime, clock, log } = this.#options;
    const target = { runtime, clock, containerId: id, container: probed.container, podIp: probed.podIp };
    const outcome = await runHandler(spec, target, (spec.timeoutSeconds ?? 1) * 1000);
    if (probed.isStopped) return false;
    if (!outcome.ok) {
      this.#options.event(probed.pod, 'Unhealthy', `${WORDS[kind]} probe failed: ${outcome.output}`);
      log.debug('probe failed', { pod: probed.pod.metadata.name, container: probed.container.name, kind });
    }
    verdict.inRow = verdict.last === outcome.ok ? verdict.inRow + 1 : 1;
    verdict.last = outcome.ok;
    const threshold = outcome.ok ? (spec.successThreshold ?? 1) : (spec.failureThreshold ?? 3);
    if (verdict.inRow < threshold || verdict.passes === outcome.ok) return true;
    verdict.passes = outcome.ok;
    this.#options.onChange(probed.pod.metadata.uid);
    if (kind === 'startup' && outcome.ok) this.#askAtOnce(id, probed);
    return kind === 'readiness' || (kind === 'liveness' && outcome.ok);
  }

  /** Startup passed: readiness need not wait for the rest of its period. */
  #askAtOnce(id: string, probed: Probed): void {
    const readiness = probed.verdicts.get('readiness');
    const spec = specOf(probed.container, 'readiness');
    if (readiness === undefined || spec === undefined) return;
    readiness.timer?.cancel();
    this.#schedule(id, probed, 'readiness', spec, 0);
  }

  #stop(id: string): void {
    const probed = this.#probed.get(id);
    if (probed === undefined) return;
    probed.isStopped = true;
    for (const verdict of probed.verdicts.values()) verdict.timer?.cancel();
    this.#probed.delete(id);
  }
}

function specOf(container: ContainerSpec, kind: ProbeKind): ProbeSpec | undefined {
  if (kind === 'startup') return container.startupProbe;
  return kind === 'liveness' ? container.livenessProbe : container.readinessProbe;
}
