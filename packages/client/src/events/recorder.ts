import { Event, isStatus } from '@kubelab/api';
import { type Clock, errorMessage, type Logger, type Random, rfc3339 } from '@kubelab/component-base';
import type { EventRecorder, KubeClient } from '../types.ts';
import { EventCorrelator, type EventInput } from './correlate.ts';

export interface EventRecorderOptions {
  /** `event.source.component`: `kubelet`, `default-scheduler`, `replicaset-controller`. */
  readonly component: string;
  readonly host?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Events are hints: when this many wait to be sent, further ones are dropped. */
const PENDING_MAX = 1000;
const SEND_ATTEMPTS_MAX = 4;
const SEND_RETRY_MS = 1_000;

/** Sends events one after another in the background; nobody waits for them and none of them may fail its sender. */
export function createEventRecorder(client: KubeClient, options: EventRecorderOptions): EventRecorder {
  const { clock, log, component, host } = options;
  const correlator = new EventCorrelator();
  const pending: EventInput[] = [];
  let isSending = false;
  let lastName = 0n;

  return {
    event(about, type, reason, message) {
      if (pending.length >= PENDING_MAX) return;
      const { apiVersion, kind, metadata } = about;
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
    for (let attempt = 1; ; attempt++) {
      try {
        return await send(event);
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

  async function send(event: EventInput): Promise<void> {
    const verdict = correlator.judge(event);
    if (verdict.action === 'drop') return;
    if (verdict.action === 'count') {
      const { name, namespace, count } = verdict.series;
      const patch = { count: count + 1, lastTimestamp: rfc3339(event.nowMs), message: verdict.message };
      try {
        await client.patch(Event, { name, namespace }, patch, { type: 'merge' });
        correlator.remember(verdict.key, { name, namespace, count: count + 1 });
        return;
      } catch (error) {
        // The server has let it expire: begin anew.
        if (!isStatus(error, 'NotFound')) throw error;
        correlator.forget(verdict.key);
      }
    }
    const namespace = event.about.namespace ?? 'default';
    const name = `${event.about.name}.${uniqueSuffix(event.nowMs)}`;
    await client.create(Event, eventObject(event, verdict.message, { name, namespace }));
    correlator.remember(verdict.key, { name, namespace, count: 1 });
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
