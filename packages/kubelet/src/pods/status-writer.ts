import { getCondition, isStatus, Pod, semanticEqual } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import type { Clock, Logger } from '@kubelab/component-base';
import type { PodObject, PodStatus } from '../core/types.ts';

interface Pending {
  pod: PodObject;
  status: PodStatus;
  /** What the API has accepted last, as text. */
  written: string | undefined;
  /** The object's version with that write in it. */
  writtenVersion: number;
  isWriting: boolean;
  running: Promise<void>;
}

const RETRY_MS = 1_000;
/** Fields that a later status may lack: a merge patch must say so. */
const CLEARABLE = ['reason', 'message', 'podIP', 'podIPs', 'initContainerStatuses'] as const;

/**
 * Writes pods' statuses, the newest only, one write at a time for each pod; nobody waits unless they ask.
 * Invariants
 *   STATUS-3  a status reaches only the pod it is about: the uid goes along as a precondition
 *   STATUS-4  what others changed of it since is written again: a node that was given up for a while says so
 */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pending = new Map<string, Pending>();

  constructor(client: KubeClient, clock: Clock, log: Logger) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
  }

  set(pod: PodObject, status: PodStatus): void {
    const { uid } = pod.metadata;
    const entry = this.#pending.get(uid) ?? {
      pod,
      status,
      // After a restart the API usually has it already.
      written: semanticEqual(pod.status, status) ? JSON.stringify(status) : undefined,
      writtenVersion: 0,
      isWriting: false,
      running: Promise.resolve(),
    };
    entry.pod = pod;
    entry.status = status;
    this.#pending.set(uid, entry);
    if (!entry.isWriting && isOverruled(pod, status, entry.writtenVersion)) entry.written = undefined; // STATUS-4
    if (entry.isWriting) return; // the write that runs looks again before it ends
    entry.isWriting = true;
    entry.running = this.#write(uid, entry).finally(() => {
      entry.isWriting = false;
    });
  }

  /** Resolves when everything set so far is written or refused for good. */
  async flush(uid: string): Promise<void> {
    await this.#pending.get(uid)?.running;
  }

  forget(uid: string): void {
    this.#pending.delete(uid);
  }

  async #write(uid: string, entry: Pending): Promise<void> {
    while (this.#pending.get(uid) === entry) {
      const text = JSON.stringify(entry.status);
      if (text === entry.written) {
        entry.isWriting = false; // at once: what is set from now on begins a write of its own
        return;
      }
      try {
        const accepted = await this.#patch(entry.pod, entry.status);
        entry.written = text;
        entry.writtenVersion = Number(accepted.metadata.resourceVersion);
      } catch (error) {
        if (isStatus(error, 'NotFound', 'Conflict')) return; // another pod, or none, by this name
        this.#log.warn('pod status not written', { pod: entry.pod.metadata.name, err: error });
        await this.#clock.sleep(RETRY_MS);
      }
    }
  }

  async #patch(pod: PodObject, status: PodStatus): Promise<Pod> {
    const { name, namespace, uid } = pod.metadata;
    const cleared = Object.fromEntries(CLEARABLE.map((field) => [field, status[field] ?? null]));
    return this.#client.patch(
      Pod,
      { name, namespace },
      { metadata: { uid }, status: { ...status, ...cleared } }, // STATUS-3
      { subresource: 'status', type: 'merge' },
    );
  }
}

/** Whether somebody else set our phase or one of our conditions after our last write. */
function isOverruled(pod: PodObject, status: PodStatus, writtenVersion: number): boolean {
  if (Number(pod.metadata.resourceVersion) <= writtenVersion) return false;
  const theirs = pod.status?.conditions;
  return (status.conditions ?? []).some((ours) => {
    const told = getCondition(theirs, ours.type);
    return told !== undefined && told.status !== ours.status;
  });
}
