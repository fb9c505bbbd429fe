import { duplicate, forbidden } from '../field-errors.ts';
import type { Node } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import { validateTaints } from './affinity.ts';
import { cidr, type Errors } from './checks.ts';
import { validateAmount } from './resources.ts';

export function* validateNode(node: Node, old?: Node): Errors {
  yield* validateTaints(node.spec?.taints, 'metadata.taints');
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(node.status?.[list] ?? {})) {
      yield* validateAmount(name, amount, `status.${list}.${name}`);
    }
  }
  if (old !== undefined) yield* validateNodeUpdate(node, old);
  for (const [index, range] of (node.spec?.podCIDRs ?? []).entries())
    yield* cidr(`spec.podCIDRs[${index}]`, range);
}

/** A node's addresses for pods and its provider's id are given once. */
function* validateNodeUpdate(node: Node, old: Node): Errors {
  const seen = new Set<string>();
  for (const [index, address] of (node.status?.addresses ?? []).entries()) {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) yield duplicate(`status.addresses[${index}]`, address);
    seen.add(key);
  }
  const before = old.spec?.podCIDRs ?? [];
  if (before.length > 0 && !semanticEqual(node.spec?.podCIDRs, before)) {
    yield forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid');
  }
  if (old.spec?.providerID && node.spec?.providerID !== old.spec.providerID) {
    yield forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid');
  }
}
