/** nodeSelector and required node affinity against a node. Pure. */
import { LabelMatcher, type LabelOperator } from '@kubelab/api';
import type { NodeObject, PodObject } from './types.ts';

const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | undefined;
}

export function nodeAffinityMatches(pod: PodObject, node: NodeObject): boolean {
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec.nodeSelector ?? {}))
    if (labels[key] !== value) return false;
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return true;
  return required.nodeSelectorTerms.some((term) => {
    const { matchExpressions = [], matchFields = [] } = term;
    if (matchExpressions.length + matchFields.length === 0) return false; // an empty term matches nothing
    return (
      matchExpressions.every((expression) => matches(expression, labels)) &&
      matchFields.every((expression) => matches(expression, { 'metadata.name': node.metadata.name }))
    );
  });
}

function matches(
  { key, operator, values = [] }: Expression,
  labels: Readonly<Record<string, string>>,
): boolean {
  const known = OPERATORS[operator];
  return (
    known !== undefined && new LabelMatcher([{ key, operator: known, values: [...values] }]).matches(labels)
  );
}
