/**
 * What the filter and the score of PodTopologySpread share: the constraints of a pod, and which pods and
 * nodes they count.
 */
import {
  type DeepReadonly,
  isTerminating,
  type LabelMatcher,
  labelSelectorMatcher,
  labelSetMatcher,
  type TopologySpreadConstraint,
} from '@kubelab/api';
import type { NodeInfo } from './node-info.ts';
import { requiredNodeAffinity } from './node-selector.ts';
import type { AnyPod } from './pod-info.ts';
import { untolerated } from './taints.ts';

export interface SpreadConstraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelMatcher;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export function spreadConstraints(
  pod: AnyPod,
  whenUnsatisfiable: 'DoNotSchedule' | 'ScheduleAnyway',
): SpreadConstraint[] {
  return (pod.spec.topologySpreadConstraints ?? [])
    .filter((constraint) => constraint.whenUnsatisfiable === whenUnsatisfiable)
    .map((constraint) => ({
      topologyKey: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains: constraint.minDomains ?? 1,
      selector: selectorOf(pod, constraint),
      honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    }));
}

/** matchLabelKeys narrow the selector to pods with the same values as this one's. */
function selectorOf(pod: AnyPod, constraint: DeepReadonly<TopologySpreadConstraint>): LabelMatcher {
  const matcher = labelSelectorMatcher(constraint.labelSelector);
  const keys = (constraint.matchLabelKeys ?? []).filter((key) => pod.metadata.labels?.[key] !== undefined);
  if (keys.length === 0) return matcher;
  const own = labelSetMatcher(Object.fromEntries(keys.map((key) => [key, pod.metadata.labels?.[key]])));
  return bothOf(matcher, own);
}

function bothOf(a: LabelMatcher, b: LabelMatcher): LabelMatcher {
  const both = Object.create(a) as LabelMatcher;
  both.matches = (labels) => a.matches(labels) && b.matches(labels);
  return both;
}

/** Whether the pods on this node count for the constraint. */
export function nodeCounter(pod: AnyPod, constraint: SpreadConstraint): (node: NodeInfo) => boolean {
  const isWanted = (constraint.honorsAffinity ? requiredNodeAffinity(pod) : undefined) ?? (() => true);
  return ({ node }) =>
    isWanted(node) &&
    !(
      constraint.honorsTaints &&
      untolerated(node.spec?.taints, pod.spec.tolerations, ['NoSchedule', 'NoExecute']) !== undefined
    );
}

/** Pods of the namespace that the selector matches; those on their way out do not count. */
export function countMatching(node: NodeInfo, namespace: string | undefined, selector: LabelMatcher): number {
  let count = 0;
  for (const { pod } of node.pods()) {
    if (pod.metadata.namespace === namespace && !isTerminating(pod) && selector.matches(pod.metadata.labels))
      count++;
  }
  return count;
}
