/**
 * metadata.generation counts changes of what is wanted; controllers copy it to status.observedGeneration.
 * Only these kinds have one: starts at 1, and goes up when the fields named here change.
 */
import { type NamedResource, qualifiedResource } from '../errors.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';
import type { KubeObject } from '../meta.ts';

/** Dotted paths whose change counts. */
const COUNTED: Readonly<Record<string, readonly string[]>> = {
  pods: ['spec'],
  replicationcontrollers: ['spec'],
  'daemonsets.apps': ['spec'],
  // Annotations count because rollbacks and change causes live there.
  'deployments.apps': ['spec', 'metadata.annotations'],
  'replicasets.apps': ['spec'],
  'statefulsets.apps': ['spec'],
  'cronjobs.batch': ['spec'],
  'jobs.batch': ['spec'],
  'endpointslices.discovery.k8s.io': [
    'endpoints',
    'ports',
    'addressType',
    'metadata.labels',
    'metadata.annotations',
  ],
  'ingresses.networking.k8s.io': ['spec'],
  'ingressclasses.networking.k8s.io': ['spec'],
  'networkpolicies.networking.k8s.io': ['spec'],
  'poddisruptionbudgets.policy': ['spec'],
  'priorityclasses.scheduling.k8s.io': [],
  'flowschemas.flowcontrol.apiserver.k8s.io': ['spec'],
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': ['spec'],
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'validatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'mutatingadmissionpolicies.admissionregistration.k8s.io': ['spec'],
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io': ['spec'],
  'validatingadmissionpolicies.admissionregistration.k8s.io': ['spec'],
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': ['spec'],
};

export function firstGeneration(rt: NamedResource): number | undefined {
  return COUNTED[qualifiedResource(rt)] === undefined ? undefined : 1;
}

/** The generation of `object` as it replaces `old`. */
export function nextGeneration(rt: NamedResource, object: KubeObject, old: KubeObject): number | undefined {
  const paths = COUNTED[qualifiedResource(rt)];
  const { generation } = old.metadata;
  if (paths === undefined) return generation;
  const isChanged = paths.some((path) => !semanticEqual(valueAt(object, path), valueAt(old, path)));
  return isChanged ? (generation ?? 0) + 1 : generation;
}

function valueAt(object: unknown, path: string): unknown {
  let value = object;
  for (const field of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[field];
  return value;
}
