/**
 * What a DELETE does to an object: gone at once, or marked and waiting for its grace period or its
 * finalizers.
 * Invariants
 *   DEL-1  a second delete never lengthens the grace period
 *   DEL-2  an object with finalizers is never removed
 */
import { assert, rfc3339 } from '@kubelab/component-base';
import { errors, type NamedKind, type NamedResource, qualifiedResource } from '../errors.ts';
import { invalid } from '../field-errors.ts';
import type { Namespace, Pod } from '../generated/types.ts';
import { isPodTerminal } from '../helpers/pods.ts';
import type { KubeObject } from '../meta.ts';

export interface DeletionOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  /** Old spelling of Orphan (true) and Background (false). */
  readonly orphanDependents?: boolean | undefined;
}

export type DeletionPlan =
  | { readonly action: 'remove' }
  /** Store this instead: it carries deletionTimestamp and waits. */
  | { readonly action: 'mark'; readonly object: KubeObject }
  /** Already being deleted, and this request changes nothing. */
  | { readonly action: 'none' };

export const ORPHAN_FINALIZER = 'orphan';
export const FOREGROUND_FINALIZER = 'foregroundDeletion';

/**
 * Kinds whose dependents stay unless the request says otherwise, as they did before there was garbage
 * collection.
 */
const ORPHANS_BY_DEFAULT = new Set(['replicationcontrollers', 'jobs.batch']);
/** Nothing depends on them: no finalizers on their account. */
const WITHOUT_COLLECTION = new Set(['events', 'events.events.k8s.io']);

/** Decides; `object` is not changed. Throws ApiError 422 for options that contradict each other. */
export function planDeletion(
  rt: NamedResource & NamedKind,
  object: KubeObject,
  options: DeletionOptions,
  nowMs: number,
): DeletionPlan {
  checkOptions(rt, object, options);
  if (qualifiedResource(rt) === 'namespaces') return planNamespace(rt, object as Namespace, options, nowMs);
  const finalizers = finalizersFor(rt, object, options);
  const isWaiting = object.metadata.deletionTimestamp !== undefined;
  const marked = isWaiting ? shortened(object, options) : freshlyMarked(rt, object, options, nowMs);
  const after = marked ?? object;
  const grace = after.metadata.deletionGracePeriodSeconds ?? 0;
  if (finalizers.length === 0 && grace === 0) return { action: 'remove' };
  if (marked === undefined && sameFinalizers(finalizers, object.metadata.finalizers))
    return { action: 'none' };
  return { action: 'mark', object: withFinalizers(after, finalizers) };
}

/** After an update: a waiting object whose last finalizer went, and whose time is up, goes too. */
export function isReadyToRemove(rt: NamedResource, object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined) return false;
  if ((finalizers ?? []).length > 0) return false;
  if (qualifiedResource(rt) === 'namespaces')
    return ((object as Namespace).spec?.finalizers ?? []).length === 0;
  return (deletionGracePeriodSeconds ?? 0) === 0;
}

/** Grace in seconds for a first delete; only pods have any. */
export function gracePeriodOf(rt: NamedResource, object: KubeObject, asked: number | undefined): number {
  if (qualifiedResource(rt) !== 'pods') return 0;
  const pod = object as Pod;
  // Nothing runs yet, or no more: nobody to wait for.
  if (!pod.spec.nodeName || isPodTerminal(pod)) return 0;
  const seconds = asked ?? pod.spec.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function freshlyMarked(
  rt: NamedResource,
  object: KubeObject,
  options: DeletionOptions,
  nowMs: number,
): KubeObject {
  const seconds = gracePeriodOf(rt, object, options.gracePeriodSeconds);
  const { generation } = object.metadata;
  return {
    ...object,
    metadata: {
      ...object.metadata,
      deletionTimestamp: rfc3339(nowMs + seconds * 1000),
      deletionGracePeriodSeconds: seconds,
      ...(generation !== undefined && generation > 0 && { generation: generation + 1 }),
    },
  };
}

/** DEL-1: undefined when the request would not make it sooner. */
function shortened(object: KubeObject, options: DeletionOptions): KubeObject | undefined {
  const current = object.metadata.deletionGracePeriodSeconds ?? 0;
  const asked = options.gracePeriodSeconds;
  if (asked === undefined || current === 0) return undefined;
  const seconds = asked < 0 ? 1 : asked;
  if (seconds >= current) return undefined;
  assert(seconds < current, 'DEL-1');
  const deletionTimestamp = earlier(object.metadata.deletionTimestamp ?? '', current - seconds);
  return {
    ...object,
    metadata: { ...object.metadata, deletionTimestamp, deletionGracePeriodSeconds: seconds },
  };
}

function earlier(timestamp: string, seconds: number): string {
  return rfc3339(Date.parse(timestamp) - seconds * 1000);
}

/** Finalizers as the propagation policy wants them. */
function finalizersFor(rt: NamedResource, object: KubeObject, options: DeletionOptions): string[] {
  const existing = object.metadata.finalizers ?? [];
  const resource = qualifiedResource(rt);
  if (WITHOUT_COLLECTION.has(resource)) return existing;
  const kept = existing.filter(
    (finalizer) => finalizer !== ORPHAN_FINALIZER && finalizer !== FOREGROUND_FINALIZER,
  );
  if (wantsOrphans(resource, existing, options)) kept.push(ORPHAN_FINALIZER);
  if (wantsForeground(existing, options)) kept.push(FOREGROUND_FINALIZER);
  return kept;
}

function wantsOrphans(resource: string, existing: readonly string[], options: DeletionOptions): boolean {
  if (options.orphanDependents !== undefined) return options.orphanDependents;
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Orphan';
  if (existing.includes(ORPHAN_FINALIZER)) return true;
  if (existing.includes(FOREGROUND_FINALIZER)) return false;
  return ORPHANS_BY_DEFAULT.has(resource);
}

function wantsForeground(existing: readonly string[], options: DeletionOptions): boolean {
  if (options.orphanDependents !== undefined) return false;
  if (options.propagationPolicy !== undefined) return options.propagationPolicy === 'Foreground';
  return existing.includes(FOREGROUND_FINALIZER) && !existing.includes(ORPHAN_FINALIZER);
}

function sameFinalizers(a: readonly string[], b: readonly string[] | undefined): boolean {
  return a.length === (b ?? []).length && a.every((finalizer) => b?.includes(finalizer));
}

function withFinalizers(object: KubeObject, finalizers: string[]): KubeObject {
  const metadata = { ...object.metadata, finalizers };
  if (finalizers.length === 0) delete (metadata as Partial<typeof metadata>).finalizers;
  return { ...object, metadata };
}

/** A namespace turns Terminating and waits for `spec.finalizers`: its controller empties it first. */
function planNamespace(
  rt: NamedResource,
  namespace: Namespace,
  options: DeletionOptions,
  nowMs: number,
): DeletionPlan {
  const finalizers = finalizersFor(rt, namespace, options);
  const isWaiting = namespace.metadata.deletionTimestamp !== undefined;
  const isEmpty = (namespace.spec?.finalizers ?? []).length === 0;
  if (isEmpty && finalizers.length === 0) return { action: 'remove' };
  if (isWaiting && sameFinalizers(finalizers, namespace.metadata.finalizers)) return { action: 'none' };
  const marked: Namespace = {
    ...namespace,
    metadata: {
      ...namespace.metadata,
      deletionTimestamp: namespace.metadata.deletionTimestamp ?? rfc3339(nowMs),
    },
    status: { ...namespace.status, phase: 'Terminating' },
  };
  return { action: 'mark', object: withFinalizers(marked, finalizers) };
}

const POLICIES = ['Orphan', 'Background', 'Foreground'];

function checkOptions(rt: NamedKind, object: KubeObject, options: DeletionOptions): void {
  const { propagationPolicy: policy, orphanDependents } = options;
  if (policy !== undefined && orphanDependents !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    throw errors.invalid({ group: rt.group, kind: rt.kind }, object.metadata.name, [
      invalid('propagationPolicy', policy, why),
    ]);
  }
  if (policy !== undefined && !POLICIES.includes(policy)) {
    const why = `DeletionPropagation need to be one of "Orphan", "Background", "Foreground" or nil`;
    throw errors.invalid({ group: rt.group, kind: rt.kind }, object.metadata.name, [
      invalid('propagationPolicy', policy, why),
    ]);
  }
}
