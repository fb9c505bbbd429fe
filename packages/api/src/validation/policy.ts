/** Disruption budgets, autoscalers, quotas, limit ranges, priority classes. */
import { duplicate, forbidden, invalid, required } from '../field-errors.ts';
import type {
  HorizontalPodAutoscaler,
  LimitRange,
  LimitRangeItem,
  MetricSpec,
  PodDisruptionBudget,
  PriorityClass,
  ResourceQuota,
} from '../generated/types.ts';
import { pathSegmentErrors } from '../names.ts';
import { compareQuantities, isQuantity } from '../quantity.ts';
import { because, type Errors, intOrPercent, notMoreThanAll, oneOf, optionalOneOf } from './checks.ts';
import { validateLabelSelector } from './labels.ts';
import { validateAmount, validateContainerResourceName, validateResourceName } from './resources.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';

export function* validatePodDisruptionBudget({ spec }: PodDisruptionBudget): Errors {
  if (spec === undefined) return;
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    yield invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
  }
  for (const field of ['minAvailable', 'maxUnavailable'] as const) {
    yield* intOrPercent(`spec.${field}`, spec[field]);
    yield* notMoreThanAll(`spec.${field}`, spec[field]);
  }
  yield* validateLabelSelector(spec.selector, 'spec.selector');
  const policies = ['AlwaysAllow', 'IfHealthyBudget'];
  yield* optionalOneOf('spec.unhealthyPodEvictionPolicy', spec.unhealthyPodEvictionPolicy, policies);
}

export function* validateHorizontalPodAutoscaler({ spec }: HorizontalPodAutoscaler): Errors {
  const { minReplicas, maxReplicas, scaleTargetRef: target } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    yield invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1');
  }
  if (!(maxReplicas >= 1)) yield invalid('spec.maxReplicas', maxReplicas ?? 0, 'must be greater than 0');
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    yield invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`');
  }
  for (const field of ['kind', 'name'] as const) {
    const path = `spec.scaleTargetRef.${field}`;
    if (!target?.[field]) yield required(path);
    else yield* because(path, target[field], pathSegmentErrors(target[field]));
  }
  for (const [index, metric] of (spec.metrics ?? []).entries())
    yield* validateMetric(metric, `spec.metrics[${index}]`);
}

const METRIC_TYPES = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];

function* validateMetric(metric: MetricSpec, path: string): Errors {
  yield* oneOf(`${path}.type`, metric.type, METRIC_TYPES);
  const field = ((metric.type ?? '').charAt(0).toLowerCase() +
    (metric.type ?? '').slice(1)) as keyof MetricSpec;
  if (!METRIC_TYPES.includes(metric.type)) return;
  const source = metric[field];
  if (source === undefined || typeof source === 'string') {
    yield required(`${path}.${field}`, 'must populate information for the given metric source');
    return;
  }
  const { target } = source;
  yield* oneOf(`${path}.${field}.target.type`, target?.type, ['AverageValue', 'Utilization', 'Value']);
  const utilization = target?.averageUtilization;
  if (utilization !== undefined && utilization < 1) {
    yield invalid(`${path}.${field}.target.averageUtilization`, utilization, 'must be greater than 0');
  }
  const given = [utilization, target?.averageValue, target?.value].filter((value) => value !== undefined);
  if (given.length === 0) {
    yield required(
      `${path}.${field}.target.averageUtilization`,
      'must set either a target raw value or a target utilization',
    );
  }
}

const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
];

export function* validateResourceQuota({ spec }: ResourceQuota, old?: ResourceQuota): Errors {
  for (const [name, amount] of Object.entries(spec?.hard ?? {})) {
    yield* validateQuotaName(name, `spec.hard[${name}]`);
    yield* validateAmount(name, amount, `spec.hard[${name}]`);
  }
  for (const scope of spec?.scopes ?? []) {
    if (!SCOPES.includes(scope)) yield invalid('spec.scopes', spec?.scopes, 'unsupported scope');
  }
  if (old !== undefined && !semanticEqual(spec?.scopes, old.spec?.scopes)) {
    yield invalid('spec.scopes', spec?.scopes ?? [], 'field is immutable');
  }
}

function* validateQuotaName(name: string, path: string): Errors {
  // `count/deployments.apps` counts objects of any resource.
  if (!name.startsWith('count/')) yield* validateResourceName(name, path);
}

const LIMIT_TYPES = ['Container', 'PersistentVolumeClaim', 'Pod'];

export function* validateLimitRange({ spec }: LimitRange): Errors {
  const types = new Set<string>();
  for (const [index, item] of (spec?.limits ?? []).entries()) {
    const at = `spec.limits[${index}]`;
    if (!LIMIT_TYPES.includes(item.type) && !(item.type ?? '').includes('/')) {
      yield invalid(`${at}.type`, item.type ?? '', 'must be a standard limit type or fully qualified');
    }
    if (types.has(item.type)) yield duplicate(`${at}.type`, item.type);
    types.add(item.type);
    yield* validateLimitNames(item, at);
    yield* validateLimitOrder(item, at);
  }
}

function* validateLimitNames(item: LimitRangeItem, path: string): Errors {
  const isCompute = item.type === 'Container' || item.type === 'Pod';
  const check = isCompute ? validateContainerResourceName : validateResourceName;
  for (const list of ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const) {
    if (
      item.type === 'Pod' &&
      (list === 'default' || list === 'defaultRequest') &&
      item[list] !== undefined
    ) {
      yield forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'");
      continue;
    }
    for (const name of Object.keys(item[list] ?? {})) yield* check(name, `${path}.${list}[${name}]`);
  }
  if (
    item.type === 'PersistentVolumeClaim' &&
    item.min?.storage === undefined &&
    item.max?.storage === undefined
  ) {
    yield required(
      `${path}.limits`,
      'either minimum or maximum storage value is required, but neither was provided',
    );
  }
}

/** min ≤ defaultRequest ≤ default ≤ max. */
function* validateLimitOrder(item: LimitRangeItem, path: string): Errors {
  const order = [
    ['min', 'max'],
    ['min', 'defaultRequest'],
    ['defaultRequest', 'max'],
    ['defaultRequest', 'default'],
    ['default', 'max'],
  ] as const;
  const words = {
    min: 'min value',
    max: 'max value',
    defaultRequest: 'default request value',
    default: 'default value',
  };
  for (const [low, high] of order) {
    for (const [name, least] of Object.entries(item[low] ?? {})) {
      const most = item[high]?.[name];
      if (!isQuantity(least) || !isQuantity(most) || compareQuantities(least, most) <= 0) continue;
      const why = `${words[low]} ${least} is greater than ${words[high]} ${most}`;
      yield invalid(`${path}.${low}[${name}]`, String(least), why);
    }
  }
}

const USER_PRIORITY_MAX = 1_000_000_000;
const SYSTEM_CLASSES = new Set(['system-node-critical', 'system-cluster-critical']);

export function* validatePriorityClass(priorityClass: PriorityClass, old?: PriorityClass): Errors {
  const { name } = priorityClass.metadata;
  if (name?.startsWith('system-') && !SYSTEM_CLASSES.has(name)) {
    yield forbidden(
      'metadata.name',
      "priority class names with 'system-' prefix are reserved for system use only",
    );
  } else if ((priorityClass.value ?? 0) > USER_PRIORITY_MAX && !SYSTEM_CLASSES.has(name)) {
    yield forbidden('value', `maximum allowed value of a user defined priority is ${USER_PRIORITY_MAX}`);
  }
  yield* optionalOneOf('preemptionPolicy', priorityClass.preemptionPolicy, ['Never', 'PreemptLowerPriority']);
  if (old === undefined) return;
  if ((priorityClass.value ?? 0) !== (old.value ?? 0))
    yield forbidden('value', 'may not be changed in an update.');
  if (priorityClass.preemptionPolicy !== old.preemptionPolicy) {
    yield invalid('preemptionPolicy', priorityClass.preemptionPolicy, 'field is immutable');
  }
}
