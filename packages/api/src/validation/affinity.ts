/** Where a pod may run: affinity, tolerations, spreading, and the taints of nodes. */
import { duplicate, forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
  WeightedPodAffinityTerm,
} from '../generated/types.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelKeyErrors, labelValueErrors } from '../names.ts';
import { because, type Errors, oneOf, optionalOneOf } from './checks.ts';
import { validateLabelSelector } from './labels.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution';

export function* validateAffinity(affinity: Affinity | undefined, path: string): Errors {
  const node = affinity?.nodeAffinity;
  if (node?.[REQUIRED] !== undefined)
    yield* validateNodeSelector(node[REQUIRED], `${path}.nodeAffinity.${REQUIRED}`);
  for (const [index, { weight, preference }] of (node?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${index}]`;
    yield* validateWeight(weight, at);
    yield* validateNodeSelectorTerm(preference ?? {}, `${at}.preference`);
  }
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const terms = affinity?.[kind];
    yield* validateTerms(terms?.[REQUIRED] ?? [], `${path}.${kind}.${REQUIRED}`);
    yield* validateWeightedTerms(terms?.[PREFERRED] ?? [], `${path}.${kind}.${PREFERRED}`);
  }
}

export function* validateNodeSelector(
  selector: { nodeSelectorTerms?: NodeSelectorTerm[] | undefined },
  path: string,
): Errors {
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0)
    yield required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term');
  for (const [index, term] of terms.entries())
    yield* validateNodeSelectorTerm(term, `${path}.nodeSelectorTerms[${index}]`);
}

function* validateNodeSelectorTerm(term: NodeSelectorTerm, path: string): Errors {
  for (const [index, { key, operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    yield* validateNodeOperator(operator, values.length, at);
    yield* because(`${at}.key`, key, labelKeyErrors(key ?? ''));
    for (const [i, value] of values.entries())
      yield* because(`${at}.values[${i}]`, value, labelValueErrors(value));
  }
  for (const [index, { key, operator, values = [] }] of (term.matchFields ?? []).entries()) {
    const at = `${path}.matchFields[${index}]`;
    if (operator !== 'In' && operator !== 'NotIn')
      yield invalid(`${at}.operator`, operator, 'not a valid selector operator');
    else if (values.length !== 1) {
      yield required(
        `${at}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
    }
    if (key !== 'metadata.name') yield invalid(`${at}.key`, key, 'not a valid field selector key');
    else
      for (const [i, value] of values.entries())
        yield* because(`${at}.values[${i}]`, value, dns1123SubdomainErrors(value));
  }
}

function* validateNodeOperator(operator: string, valueCount: number, path: string): Errors {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (valueCount === 0)
        yield required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      return;
    case 'Exists':
    case 'DoesNotExist':
      if (valueCount > 0) {
        yield forbidden(
          `${path}.values`,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        );
      }
      return;
    case 'Gt':
    case 'Lt':
      if (valueCount !== 1)
        yield required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      return;
    default:
      yield invalid(`${path}.operator`, operator ?? '', 'not a valid selector operator');
  }
}

function* validateWeight(weight: number, path: string): Errors {
  if (!(weight >= 1 && weight <= 100))
    yield invalid(`${path}.weight`, weight ?? 0, 'must be in the range 1-100');
}

function* validateTerms(terms: readonly PodAffinityTerm[], path: string): Errors {
  for (const [index, term] of terms.entries()) yield* validateTerm(term, `${path}[${index}]`);
}

function* validateWeightedTerms(terms: readonly WeightedPodAffinityTerm[], path: string): Errors {
  for (const [index, { weight, podAffinityTerm }] of terms.entries()) {
    yield* validateWeight(weight, `${path}[${index}]`);
    yield* validateTerm(podAffinityTerm ?? {}, `${path}[${index}].podAffinityTerm`);
  }
}

function* validateTerm(term: Partial<PodAffinityTerm>, path: string): Errors {
  yield* validateLabelSelector(term.labelSelector, `${path}.labelSelector`);
  yield* validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`);
  for (const namespace of term.namespaces ?? [])
    yield* because(`${path}.namespace`, namespace, dns1123LabelErrors(namespace));
  yield* validateTopologyKey(term.topologyKey, `${path}.topologyKey`);
}

function* validateTopologyKey(key: string | undefined, path: string): Errors {
  if (!key) yield required(path, 'can not be empty');
  else yield* because(path, key, labelKeyErrors(key));
}

export function* validateTolerations(tolerations: readonly Toleration[] | undefined, path: string): Errors {
  for (const [index, toleration] of (tolerations ?? []).entries())
    yield* validateToleration(toleration, `${path}[${index}]`);
}

function* validateToleration(toleration: Toleration, path: string): Errors {
  const { key = '', operator = '', value = '', effect = '' } = toleration;
  if (key !== '') yield* because(`${path}.key`, key, labelKeyErrors(key));
  if (key === '' && operator !== 'Exists') {
    const why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    yield invalid(`${path}.operator`, operator, why);
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    yield invalid(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === '' || operator === 'Equal') {
    const reasons = labelValueErrors(value);
    if (reasons.length > 0) yield invalid(`${path}.operator`, value, reasons.join(';'));
  } else if (operator === 'Exists') {
    if (value !== '')
      yield invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'");
  } else yield notSupported(`${path}.operator`, operator, ['Equal', 'Exists']);
  if (effect !== '') yield* optionalOneOf(`${path}.effect`, effect, EFFECTS);
}

export function* validateTaints(taints: readonly Taint[] | undefined, path: string): Errors {
  const seen = new Set<string>();
  for (const [index, taint] of (taints ?? []).entries()) {
    const at = `${path}[${index}]`;
    yield* because(`${at}.key`, taint.key ?? '', labelKeyErrors(taint.key ?? ''));
    const reasons = labelValueErrors(taint.value ?? '');
    if (reasons.length > 0) yield invalid(`${at}.value`, taint.value, reasons.join(';'));
    yield* oneOf(`${at}.effect`, taint.effect, EFFECTS);
    const pair = `${taint.effect}/${taint.key}`;
    if (seen.has(pair))
      yield { ...duplicate(at, taint), detail: 'taints must be unique by key and effect pair' };
    seen.add(pair);
  }
}

export function* validateSpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: string,
): Errors {
  const seen = new Set<string>();
  for (const [index, constraint] of (constraints ?? []).entries()) {
    const at = `${path}[${index}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    if (!(maxSkew > 0)) yield invalid(`${at}.maxSkew`, maxSkew ?? 0, 'must be greater than zero');
    yield* validateTopologyKey(topologyKey, `${at}.topologyKey`);
    yield* oneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) yield duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, pair);
    seen.add(pair);
    if (minDomains !== undefined) {
      if (minDomains <= 0) yield invalid(`${at}.minDomains`, minDomains, 'must be greater than zero');
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        yield invalid(`${at}.minDomains`, minDomains, why);
      }
    }
    for (const policy of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
      yield* optionalOneOf(`${at}.${policy}`, constraint[policy], ['Honor', 'Ignore']);
    }
    yield* validateLabelSelector(constraint.labelSelector, `${at}.labelSelector`);
  }
}
