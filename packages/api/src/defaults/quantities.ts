import type { ResourceRequirements } from '../generated/types.ts';
import { formatQuantity, isQuantity, parseQuantity } from '../quantity.ts';

const NANOS_PER_MILLI = 1_000_000n;

/**
 * Writes every quantity of a resource list in canonical form, rounded up to thousandths (upstream's
 * `SetDefaults_ResourceList`). What is no quantity stays: validation names it.
 */
export function canonicalizeResources(list: Record<string, string | number> | undefined): void {
  if (list === undefined || list === null) return;
  for (const [name, text] of Object.entries(list)) if (isQuantity(text)) list[name] = roundedToMillis(text);
}

export function canonicalizeRequirements(resources: ResourceRequirements | undefined): void {
  canonicalizeResources(resources?.limits);
  canonicalizeResources(resources?.requests);
}

function roundedToMillis(text: string | number): string {
  const { nanos, format } = parseQuantity(text);
  const rest = nanos % NANOS_PER_MILLI;
  if (rest === 0n) return formatQuantity({ nanos, format });
  return formatQuantity({ nanos: nanos - rest + (rest > 0n ? NANOS_PER_MILLI : 0n), format });
}
