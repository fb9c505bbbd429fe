import { Event, isStatus } from '@kubelab/api';
import { errorMessage, rfc3339 } from '@kubelab/component-base';
import type { EventRecorder, KubeClient, RuntimeDeps } from '../types.ts';
import { EventCorrelator, type EventInput, type Verdict } from './correlate.ts';

type Judged = Exclude<Verdict, { action: 'drop' }>;

export interface EventRecorderOptions extends RuntimeDeps {
  /** `event.source.component`: `kubelet`, `default-scheduler`, `replicaset-controller`. */
  readonly component: string;
  readonly host?: string | undefined;
}

/** Events are hints: when this many wait to be sent, further ones are dropped. */
const PENDING_MAX = 1000;
const SEND_ATTEMPTS_MAX = 4;
const SEND_RETRY_MS = 1_000;

/**
 * Sends events one after another in the background; nobody waits for them and none of them may fail its
 * sender.
 */
export function createEventRecorder(client: KubeClient, options: EventRecorderOptions): EventRecorder {
  const { clock, log, component, host } = options;
  const correlator = new EventCorrelator();
  const pending: EventInput[] = [];
  let isSending = false;
  let lastName = 0n;

  return {
    event(about, type, reason, message) {
      if (pending.length >= PENDING_MAX) return;
      const { apiVersion, kind = '', metadata } = about;
      const { namespace, name = '', uid, resourceVersion } = metadata;
      const object = { apiVersion, kind, namespace, name, uid, resourceVersion };
      pending.push({ about: object, type, reason, message, nowMs: clock.now() });
      if (!isSending) void sendAll();
    },
  };

  async function sendAll(): Promise<void> {
    isSending = true;
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) await sendWithRetry(next);
    isSending = false;
  }

  async function sendWithRetry(event: EventInput): Promise<void> {
    const verdict = correlator.judge(event);
    if (verdict.action === 'drop') return;
    // One name for all attempts: one that arrived unheard is not made twice.
    const name = `${event.about.name}.${uniqueSuffix(event.nowMs)}`;
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(event, verdict, name);
      } catch (error) {
        // A refusal is final (the namespace ends, the name is taken); a lost server is not.
        if (isStatus(error) || attempt === SEND_ATTEMPTS_MAX) {
          log.debug('event not recorded', { reason: event.reason, err: errorMessage(error) });
          return;
        }
        await clock.sleep(SEND_RETRY_MS * (0.5 + options.random.float()));
      }
    }
  }

  async function send(event: EventInput, verdict: Judged, newName: string): Promise<void> {
    const namespace = event.about.namespace ?? 'default';
    const { key, message } = verdict;
    if (verdict.action === 'count' && (await countUp(event, verdict))) return;
    await client.create(Event, eventObject(event, message, { name: newName, namespace }));
    correlator.remember(key, { name: newName, namespace, count: 1 });
  }

  /** False when the server has let the event expire. */
  async function countUp(
    event: EventInput,
    { key, message, series }: Judged & { action: 'count' },
  ): Promise<boolean> {
    const { name, namespace } = series;
    const count = series.count + 1;
    try {
      await client.patch(
        Event,
        { name, namespace },
        { count, lastTimestamp: rfc3339(event.nowMs), message },
        { type: 'merge' },
      );
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error;
      correlator.forget(key);
      return false;
    }
    correlator.remember(key, { name, namespace, count });
    return true;
  }

  function eventObject(event: EventInput, message: string, metadata: { name: string; namespace: string }) {
    const timestamp = rfc3339(event.nowMs);
    return {
      metadata,
      involvedObject: event.about,
      type: event.type,
      reason: event.reason,
      message,
      count: 1,
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  /** Nanoseconds in hex as upstream's names have it, never the same twice. */
  function uniqueSuffix(nowMs: number): string {
    const nanos = BigInt(Math.floor(nowMs)) * 1_000_000n;
    lastName = nanos > lastName ? nanos : lastName + 1n;
    return lastName.toString(16);
  }
}
