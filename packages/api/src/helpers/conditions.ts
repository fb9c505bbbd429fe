/** Status conditions: one entry a type; the transition time moves only when the status does. */

interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string | undefined;
}

export function getCondition<C extends ConditionLike>(
  list: readonly C[] | undefined,
  type: string,
): C | undefined {
  return list?.find((condition) => condition.type === type);
}

export function isConditionTrue(list: readonly ConditionLike[] | undefined, type: string): boolean {
  return getCondition(list, type)?.status === 'True';
}

/** A new list with `condition` in it, at its old place if it had one. `nowText` is RFC 3339. */
export function setCondition<C extends ConditionLike>(
  list: readonly C[] | undefined,
  condition: C,
  nowText: string,
): C[] {
  const conditions = [...(list ?? [])];
  const index = conditions.findIndex(({ type }) => type === condition.type);
  const old = conditions[index];
  const isSameStatus = old !== undefined && old.status === condition.status;
  const lastTransitionTime = isSameStatus ? (old.lastTransitionTime ?? nowText) : nowText;
  const updated = { ...condition, lastTransitionTime };
  if (old === undefined) conditions.push(updated);
  else conditions[index] = updated;
  return conditions;
}

export function removeCondition<C extends ConditionLike>(list: readonly C[] | undefined, type: string): C[] {
  return (list ?? []).filter((condition) => condition.type !== type);
}
