import {
  type Deployment,
  hashOf,
  newControllerRef,
  type NewObject,
  Deployment as DeploymentType,
  type PodTemplateSpec,
  type ReplicaSet,
  semanticEqual,
} from '@kubelab/api';
import { byCreation, copyOf, type Seen } from '../shared/objects.ts';
import {
  POD_TEMPLATE_HASH,
  REVISION,
  REVISION_HISTORY,
  type SeenSet,
  type SetDraft,
  sizeAnnotations,
} from './draft.ts';
import type { SeenDeployment } from './limits.ts';

/** Annotations that speak about the Deployment itself and so are not handed down to its sets. */
const NOT_HANDED_DOWN = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deprecated.deployment.rollback.to',
  REVISION,
  REVISION_HISTORY,
  'deployment.kubernetes.io/desired-replicas',
  'deployment.kubernetes.io/max-replicas',
]);

export function revisionOf(object: { readonly metadata: Seen<ReplicaSet['metadata']> }): number {
  const revision = Number(object.metadata.annotations?.[REVISION] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The set that carries the Deployment's present template: the oldest, should there be several. */
export function findNewSet(deployment: SeenDeployment, sets: readonly SeenSet[]): SeenSet | undefined {
  return sets.toSorted(byCreation).find((set) => hasTemplate(set, deployment.spec.template));
}

export function hasTemplate(set: SeenSet, template: Seen<PodTemplateSpec>): boolean {
  return semanticEqual(withoutHash(set.spec.template), withoutHash(template));
}

function withoutHash(template: Seen<PodTemplateSpec> | undefined): unknown {
  if (template?.metadata?.labels?.[POD_TEMPLATE_HASH] === undefined) return template;
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/**
 * Brings the new set's annotations up to date: those of the Deployment, and a revision above all others.
 * A set that becomes new again (rollback) remembers the revisions it had before.
 */
export function syncRevision(draft: SetDraft, deployment: SeenDeployment, oldSets: readonly SeenSet[]): void {
  const revision = 1 + Math.max(0, ...oldSets.map(revisionOf));
  const before = revisionOf(draft.set);
  Object.assign(draft.annotations, handedDown(deployment));
  if (before < revision) {
    draft.annotations[REVISION] = String(revision);
    if (before > 0) {
      const history = (draft.annotations[REVISION_HISTORY] ?? '').split(',').filter((entry) => entry !== '');
      draft.annotations[REVISION_HISTORY] = [...history, before].join(',');
    }
  }
  draft.minReadySeconds = deployment.spec.minReadySeconds ?? 0;
}

function handedDown(deployment: SeenDeployment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !NOT_HANDED_DOWN.has(key)),
  );
}

/**
 * The ReplicaSet for a template not seen before. Its name is the template's hash: creating it twice is one
 * set.
 */
export function newReplicaSet(
  deployment: SeenDeployment,
  oldSets: readonly SeenSet[],
  replicas: number,
): NewObject<ReplicaSet> & { metadata: { name: string } } {
  const template = copyOf<Deployment['spec']['template']>(deployment.spec.template);
  const hash = hashOf(deployment.spec.template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  const selector = copyOf<Deployment['spec']['selector']>(deployment.spec.selector);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...handedDown(deployment),
        ...sizeAnnotations(deployment),
        [REVISION]: String(1 + Math.max(0, ...oldSets.map(revisionOf))),
      },
      ownerReferences: [newControllerRef(deployment, DeploymentType)],
    },
    spec: {
      replicas,
      ...(minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Finished sets beyond `revisionHistoryLimit`, oldest revision first. */
export function setsToForget(deployment: SeenDeployment, oldSets: readonly SeenSet[]): SeenSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return [];
  const alive = oldSets.filter((set) => set.metadata.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  return alive
    .toSorted((a, b) => revisionOf(a) - revisionOf(b) || byCreation(a, b))
    .slice(0, surplus)
    .filter(isFinished);
}

function isFinished(set: SeenSet): boolean {
  return (
    (set.status?.replicas ?? 0) === 0 &&
    (set.spec.replicas ?? 1) === 0 &&
    (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0)
  );
}
