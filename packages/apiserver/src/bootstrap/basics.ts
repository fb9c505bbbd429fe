import type { KubeObject } from '@kubelab/api';
import { findResource } from '@kubelab/api/server';
import { must } from '@kubelab/component-base';
import { wanted, type Wanted } from './ensure.ts';

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
export function wantedBasics(): Wanted[] {
  const namespaces = must(findResource('', 'v1', 'namespaces'));
  const classes = must(findResource('scheduling.k8s.io', 'v1', 'priorityclasses'));
  return [
    ...SYSTEM_NAMESPACES.map((name) => wanted(namespaces, named('v1', 'Namespace', name))),
    ...PRIORITY_CLASSES.map(({ name, ...rest }) => {
      const object = named('scheduling.k8s.io/v1', 'PriorityClass', name);
      return wanted(classes, { ...object, ...rest, globalDefault: false });
    }),
  ];
}

function named(apiVersion: string, kind: string, name: string): KubeObject {
  // The rest of the metadata is the server's to give.
  return { kind, apiVersion, metadata: { name } as KubeObject['metadata'] };
}
