/** Resource names and amounts, of containers, pods, quotas and limit ranges. */
import { forbidden, invalid, notSupported, required } from '../field-errors.ts';
import type { ResourceRequirements } from '../generated/types.ts';
import { qualifiedNameErrors } from '../names.ts';
import { compareQuantities, isQuantity, parseQuantity } from '../quantity.ts';
import { because, type Errors } from './checks.ts';

type Quantities = Readonly<Record<string, string | number>> | undefined;

const CONTAINER_RESOURCES = new Set(['cpu', 'memory', 'ephemeral-storage']);
const POD_LEVEL_RESOURCES = new Set(['cpu', 'memory']);
const OVERCOMMITTED = CONTAINER_RESOURCES;
const COUNTED = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const STANDARD = new Set([
  ...CONTAINER_RESOURCES,
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'requests.storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'storage',
  ...COUNTED,
]);
/** Only these have fractions; everything else comes in whole units. */
const FRACTIONAL = new Set(['cpu', 'requests.cpu', 'limits.cpu']);
const NANOS_PER_UNIT = 1_000_000_000n;

const isHugePages = (name: string) => name.startsWith('hugepages-') || name.startsWith('requests.hugepages-');
/** `example.com/gpu`, not `kubernetes.io/…` and not a quota's `requests.…`. */
const isExtended = (name: string) => {
  if (!name.includes('/') || name.startsWith('requests.')) return false;
  return !/(^|\.)kubernetes\.io\//.test(name) && qualifiedNameErrors(`requests.${name}`).length === 0;
};

export function* validateResourceName(name: string, path: string): Errors {
  const reasons = qualifiedNameErrors(name);
  yield* because(path, name, reasons);
  if (reasons.length === 0 && !name.includes('/') && !STANDARD.has(name) && !isHugePages(name)) {
    yield invalid(path, name, 'must be a standard resource type or fully qualified');
  }
}

export function* validateContainerResourceName(name: string, path: string): Errors {
  yield* validateResourceName(name, path);
  if (!name.includes('/')) {
    if (!CONTAINER_RESOURCES.has(name) && !isHugePages(name)) {
      yield invalid(path, name, 'must be a standard resource for containers');
    }
  } else if (!/(^|\.)kubernetes\.io\//.test(name) && !isExtended(name)) {
    yield invalid(path, name, "doesn't follow extended resource name standard");
  }
}

/** Not negative, and whole where the resource has no fractions. */
export function* validateAmount(name: string, amount: string | number, path: string): Errors {
  if (!isQuantity(amount)) {
    yield invalid(path, amount, 'must be a quantity');
    return;
  }
  const { nanos } = parseQuantity(amount);
  if (nanos < 0n) yield invalid(path, String(amount), 'must be greater than or equal to 0');
  const isWhole = nanos % NANOS_PER_UNIT === 0n;
  if (!isWhole && (isExtended(name) || COUNTED.includes(name)) && !FRACTIONAL.has(name)) {
    yield invalid(path, String(amount), 'must be an integer');
  }
}

/** `resources` of a container: known names, sane amounts, no request above its limit. */
export function* validateRequirements(
  resources: ResourceRequirements | undefined,
  path: string,
  nameCheck: (name: string, path: string) => Errors = validateContainerResourceName,
): Errors {
  const limits = resources?.limits;
  for (const [name, amount] of Object.entries(limits ?? {})) {
    const at = `${path}.limits[${name}]`;
    yield* nameCheck(name, at);
    yield* validateAmount(name, amount, at);
  }
  for (const [name, amount] of Object.entries(resources?.requests ?? {})) {
    const at = `${path}.requests[${name}]`;
    yield* nameCheck(name, at);
    yield* validateAmount(name, amount, at);
    yield* validateAgainstLimit(name, amount, limits, `${path}.requests`);
  }
}

function* validateAgainstLimit(
  name: string,
  amount: string | number,
  limits: Quantities,
  path: string,
): Errors {
  const limit = limits?.[name];
  if (limit === undefined) {
    if (!OVERCOMMITTED.has(name))
      yield required(
        path.replace(/requests$/, 'limits'),
        'Limit must be set for non overcommitable resources',
      );
    return;
  }
  if (!isQuantity(amount) || !isQuantity(limit)) return;
  const order = compareQuantities(amount, limit);
  if (order !== 0 && !OVERCOMMITTED.has(name)) {
    yield invalid(path, String(amount), `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    yield invalid(path, String(amount), `must be less than or equal to ${name} limit of ${limit}`);
  }
}

/** `spec.resources` of a pod. */
export function* validatePodRequirements(resources: ResourceRequirements | undefined, path: string): Errors {
  if (resources === undefined) return;
  if (resources.claims !== undefined)
    yield forbidden(`${path}.claims`, 'claims cannot be set for Resources at pod-level');
  yield* validateRequirements(resources, path, function* podLevelName(name, at) {
    if (POD_LEVEL_RESOURCES.has(name) || isHugePages(name)) return;
    yield notSupported(at, name, [...POD_LEVEL_RESOURCES, 'hugepages-']);
  });
}

/** The list of a quota, a capacity or an overhead: names and amounts alone. */
export function* validateAmounts(list: Quantities, path: string): Errors {
  for (const [name, amount] of Object.entries(list ?? {})) {
    yield* validateResourceName(name, `${path}[${name}]`);
    yield* validateAmount(name, amount, `${path}[${name}]`);
  }
}
