/** Deployments and their like: counts, ages, and on wide what runs in them. */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../generated/types.ts';
import { controllerOf } from '../helpers/owners.ts';
import { parseGroupVersion } from '../meta.ts';
import { formatLabelSelector } from '../selectors/labels.ts';
import { ageOf } from './age.ts';
import { hpaTargets } from './hpa-targets.ts';
import { columns, containerCells, labelsText, NONE, type TablePrinter, UNSET } from './table.ts';

const WIDE = ['|Containers', '|Images', '|Selector'];

export const deploymentPrinter: TablePrinter<Deployment> = {
  columns: columns('Name', 'Ready', 'Up-to-date:integer', 'Available:integer', 'Age', ...WIDE),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageOf(metadata.creationTimestamp, nowMs),
    ...containerCells(spec.template?.spec),
    formatLabelSelector(spec.selector),
  ],
};

const COUNTS = columns('Name', 'Desired:integer', 'Current:integer', 'Ready:integer', 'Age', ...WIDE);

function replicaCells(
  { metadata, spec, status }: ReplicaSet | ReplicationController,
  selector: string,
  nowMs: number,
) {
  return [
    metadata.name,
    spec.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageOf(metadata.creationTimestamp, nowMs),
    ...containerCells(spec.template?.spec),
    selector,
  ];
}

export const replicaSetPrinter: TablePrinter<ReplicaSet> = {
  columns: COUNTS,
  cells: (set, nowMs) => replicaCells(set, formatLabelSelector(set.spec.selector), nowMs),
};

export const replicationControllerPrinter: TablePrinter<ReplicationController> = {
  columns: COUNTS,
  cells: (controller, nowMs) => replicaCells(controller, labelsText(controller.spec.selector), nowMs),
};

export const statefulSetPrinter: TablePrinter<StatefulSet> = {
  columns: columns('Name', 'Ready', 'Age', '|Containers', '|Images'),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    ageOf(metadata.creationTimestamp, nowMs),
    ...containerCells(spec.template?.spec),
  ],
};

export const daemonSetPrinter: TablePrinter<DaemonSet> = {
  columns: columns(
    'Name',
    'Desired:integer',
    'Current:integer',
    'Ready:integer',
    'Up-to-date:integer',
    'Available:integer',
    'Node Selector',
    'Age',
    ...WIDE,
  ),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec.template?.spec?.nodeSelector),
    ageOf(metadata.creationTimestamp, nowMs),
    ...containerCells(spec.template?.spec),
    formatLabelSelector(spec.selector),
  ],
};

export const controllerRevisionPrinter: TablePrinter<ControllerRevision> = {
  columns: columns('Name', 'Controller', 'Revision:integer', 'Age'),
  cells: (revision, nowMs) => [
    revision.metadata.name,
    controllerName(revision),
    revision.revision ?? 0,
    ageOf(revision.metadata.creationTimestamp, nowMs),
  ],
};

/** `statefulset.apps/web`. */
function controllerName(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return NONE;
  const { group } = parseGroupVersion(owner.apiVersion);
  return `${[owner.kind, group].filter(Boolean).join('.').toLowerCase()}/${owner.name}`;
}

export const hpaPrinter: TablePrinter<HorizontalPodAutoscaler> = {
  columns: columns('Name', 'Reference', 'Targets', 'MinPods', 'MaxPods:integer', 'Replicas:integer', 'Age'),
  cells: (hpa, nowMs) => [
    hpa.metadata.name,
    `${hpa.spec.scaleTargetRef.kind}/${hpa.spec.scaleTargetRef.name}`,
    hpaTargets(hpa),
    hpa.spec.minReplicas === undefined ? UNSET : String(hpa.spec.minReplicas),
    hpa.spec.maxReplicas,
    hpa.status?.currentReplicas ?? 0,
    ageOf(hpa.metadata.creationTimestamp, nowMs),
  ],
};

export const podDisruptionBudgetPrinter: TablePrinter<PodDisruptionBudget> = {
  columns: columns('Name', 'Min Available', 'Max Unavailable', 'Allowed Disruptions:integer', 'Age'),
  cells: ({ metadata, spec, status }, nowMs) => [
    metadata.name,
    String(spec?.minAvailable ?? 'N/A'),
    String(spec?.maxUnavailable ?? 'N/A'),
    status?.disruptionsAllowed ?? 0,
    ageOf(metadata.creationTimestamp, nowMs),
  ],
};
