import type { PolicyRule } from '@kubelab/api';
import { allow, events, READ } from './rule.ts';

/**
 * What kubelets need beside what is tied to their own pods (upstream: `NodeRules`). Used by the node
 * authorizer alone.
 */
export const NODE_RULES: readonly PolicyRule[] = [
  allow('create').of('authentication.k8s.io', 'tokenreviews'),
  allow('create').of('authorization.k8s.io', 'subjectaccessreviews localsubjectaccessreviews'),
  allow(READ).of('', 'services'),
  // Routes to the other nodes' pods are the kubelet's own work here: it reads all nodes, and writes only its
  // own.
  allow('create get list watch').of('', 'nodes'),
  allow('update patch').of('', 'nodes/status nodes'),
  events,
  allow(READ).of('', 'pods'),
  allow('create delete').of('', 'pods'),
  allow('update patch').of('', 'pods/status'),
  allow('create').of('', 'pods/eviction'),
  allow('get').of('', 'persistentvolumes persistentvolumeclaims endpoints'),
  allow('create get list watch').of('certificates.k8s.io', 'certificatesigningrequests'),
  allow(READ).of('node.k8s.io', 'runtimeclasses'),
  allow(READ).of('storage.k8s.io', 'csidrivers'),
  allow('get').of('storage.k8s.io', 'volumeattachments'),
  allow('get').paths(
    '/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/',
  ),
];
