/** The downward API: fields of the pod and of its containers' resources as text. Pure. */
import { amountOf } from '@kubelab/api';
import type { ContainerSpec, PodObject } from './types.ts';

export interface FieldContext {
  readonly pod: PodObject;
  readonly podIp: string;
  readonly hostIp: string;
  /** Stand for a limit that is not set. */
  readonly allocatable: { readonly cpuMillis: number; readonly memoryBytes: number };
}

const KEYED_FIELD = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** The text of a field path; undefined for a path that names nothing. */
export function fieldValue(path: string, { pod, podIp, hostIp }: FieldContext): string | undefined {
  const keyed = KEYED_FIELD.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[keyed[2] ?? ''] ?? '';
  }
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid;
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIp;
    case 'status.podIP':
    case 'status.podIPs':
      return podIp;
    default:
      return undefined;
  }
}

/** `key="value"` lines, sorted: the form of the downward API's files. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}

interface ResourceField {
  readonly resource: string;
  readonly divisor?: string | undefined;
}

/** `limits.cpu` in units of the divisor, rounded up; without a limit what the node can give. */
export function resourceFieldValue(
  { resource, divisor }: ResourceField,
  container: ContainerSpec,
  { allocatable }: FieldContext,
): string | undefined {
  const [side, ...rest] = resource.split('.');
  const name = rest.join('.');
  if (side !== 'limits' && side !== 'requests') return undefined;
  const { limits, requests } = container.resources ?? {};
  const set = side === 'limits' ? limits?.[name] : (requests?.[name] ?? limits?.[name]);
  const fallback = name === 'cpu' ? allocatable.cpuMillis : name === 'memory' ? allocatable.memoryBytes : 0;
  const amount = set === undefined ? (side === 'limits' ? fallback : 0) : amountOf(name, set);
  const unit = divisor === undefined || divisor === '0' ? amountOf(name, '1') : amountOf(name, divisor);
  return String(Math.ceil(amount / unit));
}
