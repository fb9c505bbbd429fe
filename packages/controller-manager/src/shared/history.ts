/**
 * Revisions of a pod template, kept as ControllerRevisions: what StatefulSets and DaemonSets roll out and
 * back.
 */
import {
  ControllerRevision,
  hashOf,
  type KubeObject,
  newControllerRef,
  type NewObject,
  type PodTemplateSpec,
  type ResourceType,
  semanticEqual,
} from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { compareText, copyOf, type Seen } from './objects.ts';
import { isNamespaceTerminating } from './pod-control.ts';
import { allOrThrow } from './slow-start.ts';
import { deleteSeen, ifFree } from './writes.ts';

export type SeenRevision = Seen<ControllerRevision>;

const HASH = 'controller.kubernetes.io/hash';

/** The owner of a history: what it is called, and the template it wants now. */
export interface HistoryOwner {
  readonly owner: Seen<KubeObject>;
  readonly type: ResourceType;
  readonly template: Seen<PodTemplateSpec>;
  readonly collisionCount?: number | undefined;
}

export interface HistoryPlan {
  /** The revision of the template of today: exists … */
  readonly found?: SeenRevision;
  /** … or is to be made. */
  readonly create?: NewObject<ControllerRevision> & { metadata: { name: string } };
  /** After a rollback an old revision is the newest again. */
  readonly renumber?: number;
}

export function byRevision(a: SeenRevision, b: SeenRevision): number {
  return a.revision - b.revision || compareText(a.metadata.name, b.metadata.name);
}

export function planHistory(of: HistoryOwner, revisions: readonly SeenRevision[]): HistoryPlan {
  const data = { spec: { template: { ...of.template, $patch: 'replace' } } };
  const sorted = revisions.toSorted(byRevision);
  const newest = sorted.at(-1);
  const found = sorted.findLast((revision) => semanticEqual(revision.data, data));
  const next = (newest?.revision ?? 0) + 1;
  if (found !== undefined) return found === newest ? { found } : { found, renumber: next };
  const hash = hashOf(of.template, of.collisionCount);
  return {
    create: {
      metadata: {
        name: `${of.owner.metadata.name}-${hash}`,
        namespace: of.owner.metadata.namespace,
        labels: { ...of.template.metadata?.labels, [HASH]: hash },
        ownerReferences: [newControllerRef(of.owner, of.type)],
      },
      data,
      revision: next,
    },
  };
}

/**
 * Answers the revision of today's template as it stands on the server. Its name follows from its content, so
 * that making it twice is making it once. Undefined in a namespace that is being deleted: nothing is rolled
 * out there any more.
 */
export async function carryOutHistory(
  client: KubeClient,
  plan: HistoryPlan,
): Promise<SeenRevision | undefined> {
  const { found, create, renumber } = plan;
  if (found !== undefined) {
    return renumber === undefined
      ? found
      : await client.update(ControllerRevision, { ...found, revision: renumber });
  }
  if (create === undefined) throw new Error('a history plan finds or creates');
  try {
    const created = await ifFree(() => client.create(ControllerRevision, create));
    if (created !== undefined) return created;
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    throw error;
  }
  const taken = await client.get(ControllerRevision, create.metadata);
  if (!semanticEqual(taken.data, create.data))
    throw new Error(`revision ${create.metadata.name} holds another template`);
  return taken;
}

/** Revisions that no pod and no rollout uses, beyond the limit, oldest first, go. */
export async function truncateHistory(
  client: KubeClient,
  revisions: readonly SeenRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): Promise<void> {
  const unused = revisions.filter(({ metadata }) => !inUse.has(metadata.name)).toSorted(byRevision);
  await allOrThrow(
    unused
      .slice(0, Math.max(0, unused.length - limit))
      .map((revision) => deleteSeen(client, ControllerRevision, revision)),
  );
}

/** The pod template that a revision holds. */
export function templateOf(revision: SeenRevision): PodTemplateSpec {
  const data = revision.data as
    | { spec?: { template?: Seen<PodTemplateSpec> & { $patch?: string } } }
    | undefined;
  const { $patch: _, ...template } = data?.spec?.template ?? { spec: { containers: [] } };
  return copyOf<PodTemplateSpec>(template);
}

/** The short hash in a revision's name, for labels. */
export function hashLabelOf(revision: SeenRevision): string {
  return revision.metadata.labels?.[HASH] ?? revision.metadata.name;
}
