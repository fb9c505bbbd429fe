import type { FlowSchema, PriorityLevelConfiguration } from '../generated/types.ts';

export function defaultFlowSchema(schema: FlowSchema): void {
  if (schema.spec !== undefined) schema.spec.matchingPrecedence ||= 1000;
}

export function defaultPriorityLevel(level: PriorityLevelConfiguration): void {
  const spec = level.spec;
  if (spec?.exempt !== undefined) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  if (spec?.limited === undefined) return;
  spec.limited.nominalConcurrencyShares ??= 30;
  spec.limited.lendablePercent ??= 0;
  const queuing = spec.limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  queuing.queues ||= 64;
  queuing.handSize ||= 8;
  queuing.queueLengthLimit ||= 50;
}
