import type { KubeObject } from '@kubelab/api';
import { findResource } from '@kubelab/api/server';
import { must } from '@kubelab/component-base';
import type { Ensure } from './ensure.ts';

/** Namespaces that are always there. */
export const SYSTEM_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

const PRIORITY_CLASSES = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'For pods their node cannot do without.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description: 'For pods the cluster cannot do without, on whichever node they run.',
  },
] as const;

/** Namespaces and priority classes without which nothing else works. */
export async function ensureBasics(ensure: Ensure): Promise<void> {
  const namespaces = must(findResource('', 'v1', 'namespaces'));
  await ensure.each(SYSTEM_NAMESPACES, (name) => ensure.object(namespaces, named('v1', 'Namespace', name)));
  const classes = must(findResource('scheduling.k8s.io', 'v1', 'priorityclasses'));
  await ensure.each(PRIORITY_CLASSES, ({ name, ...rest }) =>
    ensure.object(classes, {
      ...named('scheduling.k8s.io/v1', 'PriorityClass', name),
      ...rest,
      globalDefault: false,
    }),
  );
}

function named(apiVersion: string, kind: string, name: string): KubeObject {
  // The rest of the metadata is the server's to give.
  return { kind, apiVersion, metadata: { name } as KubeObject['metadata'] };
}
