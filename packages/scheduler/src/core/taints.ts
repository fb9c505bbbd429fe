import type { DeepReadonly, Taint, Toleration } from '@kubelab/api';

type AnyTaint = DeepReadonly<Taint>;
type AnyToleration = DeepReadonly<Toleration>;

/** An empty effect or key (with Exists) tolerates any. */
export function tolerates(toleration: AnyToleration, taint: AnyTaint): boolean {
  const { key = '', effect = '', operator = '', value = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  if (operator === 'Exists') return true;
  return key !== '' && (operator === '' || operator === 'Equal') && value === (taint.value ?? '');
}

/** The first taint with one of the effects that nothing tolerates. */
export function untolerated(
  taints: readonly AnyTaint[] | undefined,
  tolerations: readonly AnyToleration[] | undefined,
  effects: readonly string[],
): AnyTaint | undefined {
  return taints?.find(
    (taint) =>
      effects.includes(taint.effect) &&
      !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)),
  );
}
