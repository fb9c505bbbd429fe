/**
 * ReplicaSet controller: keeps spec.replicas live pods that match the selector. The whole story is in
 * `core.ts`.
 */
import { labelSelectorMatcher, ReplicaSet } from '@kubelab/api';
import type { ControllerDeps, ControllerSpec } from '@kubelab/client';
import type { Seen } from '../shared/objects.ts';
import { replicaController } from './core.ts';

export function replicaSetController(deps: ControllerDeps): ControllerSpec {
  return replicaController(deps, {
    name: 'replicaset',
    type: ReplicaSet,
    matcherOf: (owner) => labelSelectorMatcher((owner as Seen<ReplicaSet>).spec.selector),
  });
}
