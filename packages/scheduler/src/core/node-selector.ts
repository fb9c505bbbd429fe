/** Node selectors: spec.nodeSelector, node affinity terms, the node affinity of volumes. */
import {
  type DeepReadonly,
  labelSelectorMatcher,
  labelSetMatcher,
  type NodeSelector,
  type NodeSelectorTerm,
} from '@kubelab/api';
import type { AnyNode } from './node-info.ts';
import type { AnyPod } from './pod-info.ts';

/** All of a term's expressions and fields; an empty term matches nothing. */
export function nodeSelectorTermMatcher(term: DeepReadonly<NodeSelectorTerm>): (node: AnyNode) => boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return () => false;
  const labels = labelSelectorMatcher({ matchExpressions });
  const fields = labelSelectorMatcher({ matchExpressions: matchFields });
  return (node) =>
    labels.matches(node.metadata.labels) && fields.matches({ 'metadata.name': node.metadata.name });
}

/** Any of the terms. */
export function nodeSelectorMatcher(selector: DeepReadonly<NodeSelector>): (node: AnyNode) => boolean {
  const terms = selector.nodeSelectorTerms.map(nodeSelectorTermMatcher);
  return (node) => terms.some((matches) => matches(node));
}

/** nodeSelector and required node affinity together; undefined when the pod has neither. */
export function requiredNodeAffinity(pod: AnyPod): ((node: AnyNode) => boolean) | undefined {
  const { nodeSelector, affinity } = pod.spec;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (nodeSelector === undefined && required === undefined) return undefined;
  const labels = labelSetMatcher(nodeSelector);
  const matchesAffinity = required === undefined ? () => true : nodeSelectorMatcher(required);
  return (node) => labels.matches(node.metadata.labels) && matchesAffinity(node);
}
