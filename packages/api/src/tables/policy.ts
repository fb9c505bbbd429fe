/** Admission webhooks and policies, flow control. */
import type {
  FlowSchema,
  MutatingWebhookConfiguration,
  PriorityLevelConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';
import { getCondition } from '../helpers/conditions.ts';
import { ageOf } from './age.ts';
import { columns, NONE, type TablePrinter, UNSET } from './table.ts';

export const webhooksPrinter: TablePrinter<MutatingWebhookConfiguration | ValidatingWebhookConfiguration> = {
  columns: columns('Name', 'Webhooks:integer', 'Age'),
  cells: ({ metadata, webhooks }, nowMs) => [
    metadata.name,
    (webhooks ?? []).length,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const admissionPolicyPrinter: TablePrinter<ValidatingAdmissionPolicy> = {
  columns: columns('Name', 'Validations:integer', 'ParamKind', 'Age'),
  cells: ({ metadata, spec }, nowMs) => {
    const kind = spec?.paramKind;
    return [
      metadata.name,
      (spec?.validations ?? []).length,
      kind === undefined ? UNSET : `${kind.apiVersion}/${kind.kind}`,
      ageOf(metadata.creationTimestamp, nowMs),
    ];
  },
};

export const admissionPolicyBindingPrinter: TablePrinter<ValidatingAdmissionPolicyBinding> = {
  columns: columns('Name', 'PolicyName', 'ParamRef', 'Age'),
  cells: ({ metadata, spec }, nowMs) => {
    const ref = spec?.paramRef;
    const refText = ref?.namespace ? `${ref.namespace}/${ref.name ?? '*'}` : (ref?.name ?? '*');
    return [
      metadata.name,
      spec?.policyName ?? '',
      ref === undefined ? UNSET : refText,
      ageOf(metadata.creationTimestamp, nowMs),
    ];
  },
};

export const flowSchemaPrinter: TablePrinter<FlowSchema> = {
  columns: columns(
    'Name',
    'PriorityLevel',
    'MatchingPrecedence:integer',
    'DistinguisherMethod',
    'Age',
    'MissingPL',
  ),
  cells: ({ metadata, spec, status }, nowMs) => {
    const dangling = getCondition(
      (status?.conditions ?? []).map((c) => ({ type: c.type ?? '', status: c.status ?? '' })),
      'Dangling',
    );
    return [
      metadata.name,
      spec?.priorityLevelConfiguration?.name ?? '',
      spec?.matchingPrecedence ?? 0,
      spec?.distinguisherMethod?.type ?? NONE,
      ageOf(metadata.creationTimestamp, nowMs),
      dangling?.status ?? '?',
    ];
  },
};

export const priorityLevelPrinter: TablePrinter<PriorityLevelConfiguration> = {
  columns: columns(
    'Name',
    'Type',
    'NominalConcurrencyShares',
    'Queues',
    'HandSize',
    'QueueLengthLimit',
    'Age',
  ),
  cells: ({ metadata, spec }, nowMs) => {
    const shares = spec?.limited?.nominalConcurrencyShares ?? spec?.exempt?.nominalConcurrencyShares;
    const queuing = spec?.limited?.limitResponse?.queuing;
    return [
      metadata.name,
      spec?.type ?? '',
      shares ?? NONE,
      queuing?.queues ?? NONE,
      queuing?.handSize ?? NONE,
      queuing?.queueLengthLimit ?? NONE,
      ageOf(metadata.creationTimestamp, nowMs),
    ];
  },
};
