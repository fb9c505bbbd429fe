import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from '../generated/types.ts';
import { NONE, UNKNOWN } from './table.ts';

const SHOWN_MAX = 2;

/** `cpu: 10%/80%, memory: <unknown>/200Mi + 1 more...`: what is measured, over what is wanted. */
export function hpaTargets({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return NONE;
  const shown = metrics
    .slice(0, SHOWN_MAX)
    .map((metric, index) => targetText(metric, status?.currentMetrics?.[index]));
  const more = metrics.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` + ${more} more...` : '');
}

function targetText(metric: MetricSpec, current: MetricStatus | undefined): string {
  const [name, target, value] = partsOf(metric, current);
  if (target === undefined) return `${UNKNOWN} type`;
  // Of these two kinds the target may be a total or an average: say which.
  const isAverage =
    target.averageValue !== undefined && (metric.type === 'Object' || metric.type === 'External');
  const text = `${currentText(target, value)}/${wantedText(target)}${isAverage ? ' (avg)' : ''}`;
  return name === undefined ? text : `${name}: ${text}`;
}

type Parts = [
  name: string | undefined,
  target: MetricTarget | undefined,
  current: MetricValueStatus | undefined,
];

/** Only resources are named: the others are known by their target. */
function partsOf(metric: MetricSpec, current: MetricStatus | undefined): Parts {
  switch (metric.type) {
    case 'Resource':
      return [metric.resource?.name, metric.resource?.target, current?.resource?.current];
    case 'ContainerResource':
      return [
        metric.containerResource?.name,
        metric.containerResource?.target,
        current?.containerResource?.current,
      ];
    case 'Pods':
      return [undefined, metric.pods?.target, current?.pods?.current];
    case 'Object':
      return [undefined, metric.object?.target, current?.object?.current];
    case 'External':
      return [undefined, metric.external?.target, current?.external?.current];
    default:
      return [undefined, undefined, undefined];
  }
}

function currentText(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageUtilization !== undefined) {
    return current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`;
  }
  const value = target.averageValue === undefined ? current?.value : current?.averageValue;
  return String(value ?? UNKNOWN);
}

function wantedText(target: MetricTarget): string {
  if (target.averageUtilization !== undefined) return `${target.averageUtilization}%`;
  return String(target.averageValue ?? target.value ?? UNKNOWN);
}
