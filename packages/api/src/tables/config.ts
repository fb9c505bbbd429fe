/** Namespaces, configuration, accounts, access, limits. */
import type {
  CertificateSigningRequest,
  ClusterRoleBinding,
  ConfigMap,
  Lease,
  Namespace,
  PriorityClass,
  ResourceQuota,
  RoleBinding,
  RuntimeClass,
  Secret,
  ServiceAccount,
  Subject,
} from '../generated/types.ts';
import { ageOf, humanDuration } from './age.ts';
import { columns, NONE, type TablePrinter } from './table.ts';

export const namespacePrinter: TablePrinter<Namespace> = {
  columns: columns('Name', 'Status', 'Age'),
  cells: ({ metadata, status }, nowMs) => [
    metadata.name,
    status?.phase ?? '',
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const configMapPrinter: TablePrinter<ConfigMap> = {
  columns: columns('Name', 'Data:integer', 'Age'),
  cells: ({ metadata, data, binaryData }, nowMs) => [
    metadata.name,
    Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const secretPrinter: TablePrinter<Secret> = {
  columns: columns('Name', 'Type', 'Data:integer', 'Age'),
  cells: ({ metadata, type, data }, nowMs) => [
    metadata.name,
    type ?? '',
    Object.keys(data ?? {}).length,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const serviceAccountPrinter: TablePrinter<ServiceAccount> = {
  columns: columns('Name', 'Secrets:integer', 'Age'),
  cells: ({ metadata, secrets }, nowMs) => [
    metadata.name,
    (secrets ?? []).length,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const leasePrinter: TablePrinter<Lease> = {
  columns: columns('Name', 'Holder', 'Age'),
  cells: ({ metadata, spec }, nowMs) => [
    metadata.name,
    spec?.holderIdentity ?? '',
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};

export const priorityClassPrinter: TablePrinter<PriorityClass> = {
  columns: columns('Name', 'Value:integer', 'Global-Default:boolean', 'Age', 'PreemptionPolicy'),
  cells: (priorityClass, nowMs) => [
    priorityClass.metadata.name,
    priorityClass.value ?? 0,
    priorityClass.globalDefault ?? false,
    ageOf(priorityClass.metadata.creationTimestamp, nowMs),
    priorityClass.preemptionPolicy ?? 'PreemptLowerPriority',
  ],
};

export const runtimeClassPrinter: TablePrinter<RuntimeClass> = {
  columns: columns('Name', 'Handler', 'Age'),
  cells: ({ metadata, handler }, nowMs) => [metadata.name, handler, ageOf(metadata.creationTimestamp, nowMs)],
};

export const resourceQuotaPrinter: TablePrinter<ResourceQuota> = {
  columns: columns('Name', 'Request', 'Limit', 'Age'),
  cells: ({ metadata, status }, nowMs) => {
    const usage = (isLimit: boolean) =>
      Object.entries(status?.hard ?? {})
        .filter(([resource]) => resource.startsWith('limits.') === isLimit)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([resource, hard]) => `${resource}: ${status?.used?.[resource] ?? '0'}/${hard}`)
        .join(', ');
    return [metadata.name, usage(false), usage(true), ageOf(metadata.creationTimestamp, nowMs)];
  },
};

export const csrPrinter: TablePrinter<CertificateSigningRequest> = {
  columns: columns('Name', 'Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'),
  cells: (csr, nowMs) => [
    csr.metadata.name,
    ageOf(csr.metadata.creationTimestamp, nowMs),
    csr.spec.signerName || NONE,
    csr.spec.username ?? '',
    csr.spec.expirationSeconds === undefined ? NONE : humanDuration(csr.spec.expirationSeconds * 1000),
    csrCondition(csr),
  ],
};

function csrCondition({ status }: CertificateSigningRequest): string {
  const has = (type: string) => status?.conditions?.some((condition) => condition.type === type) ?? false;
  const words = [has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'];
  if (has('Failed')) words.push('Failed');
  if (status?.certificate) words.push('Issued');
  return words.join(',');
}

export const roleBindingPrinter: TablePrinter<RoleBinding | ClusterRoleBinding> = {
  columns: columns('Name', 'Role', 'Age', '|Users', '|Groups', '|ServiceAccounts'),
  cells: ({ metadata, roleRef, subjects }, nowMs) => [
    metadata.name,
    `${roleRef.kind}/${roleRef.name}`,
    ageOf(metadata.creationTimestamp, nowMs),
    subjectNames(subjects, 'User'),
    subjectNames(subjects, 'Group'),
    subjectNames(subjects, 'ServiceAccount'),
  ],
};

function subjectNames(subjects: readonly Subject[] | undefined, kind: string): string {
  const ofKind = (subjects ?? []).filter((subject) => subject.kind === kind);
  return ofKind.map(({ name, namespace }) => (namespace ? `${namespace}/${name}` : name)).join(', ');
}
