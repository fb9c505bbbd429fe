import { type Namespace, type NamespaceCondition, type NamespaceStatus, setCondition } from '@kubelab/api';
import type { Seen } from '../shared/objects.ts';
import type { Discovery } from '../shared/discovery.ts';

/** What one resource still holds after its contents were asked to go. */
export interface Remaining {
  /** `pods.`, `deployments.apps`: upstream's `GroupResource` with its dot. */
  readonly resource: string;
  readonly count: number;
  /** Finalizer → how many objects wait for it. */
  readonly finalizers: ReadonlyMap<string, number>;
}

export interface ContentReport {
  readonly remaining: readonly Remaining[];
  readonly deleteErrors: readonly string[];
  readonly discoveryFailures: Discovery['failures'];
}

export function isEmptied(report: ContentReport): boolean {
  return (
    report.remaining.length === 0 && report.deleteErrors.length === 0 && report.discoveryFailures.length === 0
  );
}

/** The five conditions by which a namespace tells why it is not gone yet. */
export function deletionStatus(
  namespace: Seen<Namespace>,
  report: ContentReport,
  nowText: string,
): NamespaceStatus {
  const failures = report.discoveryFailures.map(({ groupVersion, message }) => `${groupVersion}: ${message}`);
  const content = report.remaining.map(
    ({ resource, count }) => `${resource} has ${count} resource instances`,
  );
  const finalizers = [...finalizerTotals(report.remaining)].map(
    ([name, count]) => `${name} in ${count} resource instances`,
  );
  const rows: [type: string, problem: string | undefined, bad: string, good: string, fine: string][] = [
    [
      'NamespaceDeletionDiscoveryFailure',
      failures.length === 0
        ? undefined
        : `Discovery failed for some groups, ${failures.length} failing: ${failures.join(', ')}`,
      'DiscoveryFailed',
      'ResourcesDiscovered',
      'All resources successfully discovered',
    ],
    [
      'NamespaceDeletionGroupVersionParsingFailure',
      undefined,
      'GroupVersionParsingFailed',
      'ParsedGroupVersions',
      'All legacy kube types successfully parsed',
    ],
    [
      'NamespaceDeletionContentFailure',
      report.deleteErrors.length === 0
        ? undefined
        : `Failed to delete all resource types, ${report.deleteErrors.length} remaining: ${report.deleteErrors.join(', ')}`,
      'ContentDeletionFailed',
      'ContentDeleted',
      'All content successfully deleted, may be waiting on finalization',
    ],
    [
      'NamespaceContentRemaining',
      content.length === 0 ? undefined : `Some resources are remaining: ${content.join(', ')}`,
      'SomeResourcesRemain',
      'ContentRemoved',
      'All content successfully removed',
    ],
    [
      'NamespaceFinalizersRemaining',
      finalizers.length === 0
        ? undefined
        : `Some content in the namespace has finalizers remaining: ${finalizers.join(', ')}`,
      'SomeFinalizersRemain',
      'ContentHasNoFinalizers',
      'All content-preserving finalizers finished',
    ],
  ];
  let conditions: NamespaceCondition[] = (namespace.status?.conditions ?? []).map((condition) => ({
    ...condition,
  }));
  for (const [type, problem, bad, good, fine] of rows) {
    const condition =
      problem === undefined
        ? { type, status: 'False', reason: good, message: fine }
        : { type, status: 'True', reason: bad, message: problem };
    conditions = setCondition<NamespaceCondition>(conditions, condition, nowText);
  }
  return { phase: 'Terminating', conditions };
}

function finalizerTotals(remaining: readonly Remaining[]): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { finalizers } of remaining) {
    for (const [name, count] of finalizers) totals.set(name, (totals.get(name) ?? 0) + count);
  }
  return totals;
}
