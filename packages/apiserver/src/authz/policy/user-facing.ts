import type { PolicyRule } from '@kubelab/api';
import { allow, READ, WRITE } from './rule.ts';
import type { BootstrapRole } from './roles.ts';

/**
 * cluster-admin, admin, edit, view: the last three are put together from the roles that carry their label.
 */
export const userFacingRoles: readonly BootstrapRole[] = [
  { name: 'cluster-admin', rules: [allow('*').of('*', '*'), allow('*').paths('*')] },
  { name: 'admin', aggregates: 'admin' },
  { name: 'edit', aggregates: 'edit', labels: { 'rbac.authorization.k8s.io/aggregate-to-admin': 'true' } },
  { name: 'view', aggregates: 'view', labels: { 'rbac.authorization.k8s.io/aggregate-to-edit': 'true' } },
  { name: 'system:aggregate-to-admin', labels: aggregateTo('admin'), rules: adminRules() },
  { name: 'system:aggregate-to-edit', labels: aggregateTo('edit'), rules: editRules() },
  { name: 'system:aggregate-to-view', labels: aggregateTo('view'), rules: viewRules() },
];

function aggregateTo(role: string): Record<string, string> {
  return { [`rbac.authorization.k8s.io/aggregate-to-${role}`]: 'true' };
}

function adminRules(): PolicyRule[] {
  return [
    allow('create').of('authorization.k8s.io', 'localsubjectaccessreviews'),
    allow(`${WRITE} ${READ}`).of('rbac.authorization.k8s.io', 'roles rolebindings'),
  ];
}

function editRules(): PolicyRule[] {
  return [
    allow(READ).of('', 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
    allow('impersonate').of('', 'serviceaccounts'),
    allow(WRITE).of('', 'pods pods/attach pods/proxy pods/exec pods/portforward'),
    allow('create').of('', 'pods/eviction'),
    allow(WRITE).of(
      '',
      'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale ' +
        'secrets serviceaccounts services services/proxy',
    ),
    allow('create').of('', 'serviceaccounts/token'),
    allow(WRITE).of(
      'apps',
      'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale ' +
        'statefulsets statefulsets/scale',
    ),
    allow(WRITE).of('autoscaling', 'horizontalpodautoscalers'),
    allow(WRITE).of('batch', 'cronjobs jobs'),
    allow(WRITE).of('policy', 'poddisruptionbudgets'),
    allow(WRITE).of('networking.k8s.io', 'ingresses networkpolicies'),
    allow(`${WRITE} ${READ}`).of('coordination.k8s.io', 'leases'),
    allow(WRITE).of('resource.k8s.io', 'resourceclaims resourceclaimtemplates'),
  ];
}

function viewRules(): PolicyRule[] {
  return [
    allow(READ).of(
      '',
      'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods ' +
        'replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
    ),
    allow(READ).of(
      '',
      'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status ' +
        'resourcequotas resourcequotas/status',
    ),
    allow(READ).of('', 'namespaces'),
    allow(READ).of('discovery.k8s.io', 'endpointslices'),
    allow(READ).of(
      'apps',
      'controllerrevisions daemonsets daemonsets/status deployments deployments/scale ' +
        'deployments/status replicasets replicasets/scale replicasets/status statefulsets ' +
        'statefulsets/scale statefulsets/status',
    ),
    allow(READ).of('autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
    allow(READ).of('batch', 'cronjobs cronjobs/status jobs jobs/status'),
    allow(READ).of('policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
    allow(READ).of('networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
    allow(READ).of('resource.k8s.io', 'resourceclaims resourceclaims/status resourceclaimtemplates'),
  ];
}
