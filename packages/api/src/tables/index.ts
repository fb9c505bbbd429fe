/**
 * Server-side tables: the columns kubectl prints, one printer a kind (upstream's
 * `pkg/printers/internalversion`).
 * Invariants
 *   TAB-1  a row has as many cells as the table has columns
 */
import { assert } from '@kubelab/component-base';
import { type NamedResource, qualifiedResource } from '../errors.ts';
import type { KubeObject } from '../meta.ts';
import { cronJobPrinter, jobPrinter } from './batch.ts';
import * as config from './config.ts';
import { eventPrinter } from './event.ts';
import { nodePrinter } from './node.ts';
import { podPrinter, podTemplatePrinter } from './pod.ts';
import * as policy from './policy.ts';
import * as services from './services.ts';
import * as storage from './storage.ts';
import {
  type AnyPrinter,
  columns,
  partialMetadata,
  type Table,
  type TableMeta,
  type TablePrinter,
  type TableRow,
} from './table.ts';
import * as workloads from './workloads.ts';

export { ageOf, humanDuration } from './age.ts';
export type { ColumnDefinition, Table, TableMeta, TablePrinter, TableRow } from './table.ts';
export { columns as tableColumns } from './table.ts';

const PRINTERS: Readonly<Record<string, AnyPrinter>> = {
  configmaps: config.configMapPrinter,
  endpoints: services.endpointsPrinter,
  events: eventPrinter,
  namespaces: config.namespacePrinter,
  nodes: nodePrinter,
  persistentvolumeclaims: storage.persistentVolumeClaimPrinter,
  persistentvolumes: storage.persistentVolumePrinter,
  pods: podPrinter,
  podtemplates: podTemplatePrinter,
  replicationcontrollers: workloads.replicationControllerPrinter,
  resourcequotas: config.resourceQuotaPrinter,
  secrets: config.secretPrinter,
  serviceaccounts: config.serviceAccountPrinter,
  services: services.servicePrinter,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhooksPrinter,
  'validatingadmissionpolicies.admissionregistration.k8s.io': policy.admissionPolicyPrinter,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': policy.admissionPolicyBindingPrinter,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': policy.webhooksPrinter,
  'controllerrevisions.apps': workloads.controllerRevisionPrinter,
  'daemonsets.apps': workloads.daemonSetPrinter,
  'deployments.apps': workloads.deploymentPrinter,
  'replicasets.apps': workloads.replicaSetPrinter,
  'statefulsets.apps': workloads.statefulSetPrinter,
  'horizontalpodautoscalers.autoscaling': workloads.hpaPrinter,
  'cronjobs.batch': cronJobPrinter,
  'jobs.batch': jobPrinter,
  'certificatesigningrequests.certificates.k8s.io': config.csrPrinter,
  'leases.coordination.k8s.io': config.leasePrinter,
  'endpointslices.discovery.k8s.io': services.endpointSlicePrinter,
  'flowschemas.flowcontrol.apiserver.k8s.io': policy.flowSchemaPrinter,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': policy.priorityLevelPrinter,
  'ingresses.networking.k8s.io': services.ingressPrinter,
  'ingressclasses.networking.k8s.io': services.ingressClassPrinter,
  'ipaddresses.networking.k8s.io': services.ipAddressPrinter,
  'networkpolicies.networking.k8s.io': services.networkPolicyPrinter,
  'servicecidrs.networking.k8s.io': services.serviceCidrPrinter,
  'runtimeclasses.node.k8s.io': config.runtimeClassPrinter,
  'poddisruptionbudgets.policy': workloads.podDisruptionBudgetPrinter,
  'clusterrolebindings.rbac.authorization.k8s.io': config.roleBindingPrinter,
  'rolebindings.rbac.authorization.k8s.io': config.roleBindingPrinter,
  'priorityclasses.scheduling.k8s.io': config.priorityClassPrinter,
  'csidrivers.storage.k8s.io': storage.csiDriverPrinter,
  'csinodes.storage.k8s.io': storage.csiNodePrinter,
  'storageclasses.storage.k8s.io': storage.storageClassPrinter,
  'volumeattachments.storage.k8s.io': storage.volumeAttachmentPrinter,
};

/** Roles, limit ranges and whatever has no columns of its own. */
const fallback: TablePrinter<KubeObject> = {
  columns: columns('Name', 'Created At:date'),
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp],
};

export interface TableOptions {
  readonly listMeta?: TableMeta | undefined;
  /** What each row carries besides its cells. */
  readonly includeObject?: 'Metadata' | 'Object' | 'None' | undefined;
  readonly nowMs: number;
  /** For kinds that bring their own columns (custom resources). */
  readonly printer?: TablePrinter<KubeObject> | undefined;
}

export function tableOf(rt: NamedResource, objects: readonly KubeObject[], options: TableOptions): Table {
  const printer = options.printer ?? printerOf(rt);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.listMeta ?? {},
    columnDefinitions: printer.columns,
    rows: objects.map((object) => rowOf(printer, object, options)),
  };
}

function printerOf(rt: NamedResource): TablePrinter<KubeObject> {
  const printer = PRINTERS[qualifiedResource(rt)];
  // The key chose the printer for this very kind.
  return printer === undefined ? fallback : printer;
}

function rowOf(printer: TablePrinter<KubeObject>, object: KubeObject, options: TableOptions): TableRow {
  const cells = printer.cells(object, options.nowMs);
  assert(cells.length === printer.columns.length, 'TAB-1', object.metadata.name);
  const row: TableRow = { cells, object: rowObject(object, options) };
  const conditions = printer.conditions?.(object) ?? [];
  if (conditions.length > 0) row.conditions = conditions;
  return row;
}

function rowObject(object: KubeObject, options: TableOptions): unknown {
  switch (options.includeObject ?? 'Metadata') {
    case 'None':
      return null;
    case 'Object':
      return object;
    case 'Metadata':
      return partialMetadata(object.metadata);
  }
}
