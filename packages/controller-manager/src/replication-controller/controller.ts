/**
 * ReplicationController: the older spelling of ReplicaSet; its selector is a plain map. The story is in
 * `replica-set/core.ts`.
 */
import { labelSetMatcher, ReplicationController } from '@kubelab/api';
import type { ControllerDeps, ControllerSpec } from '@kubelab/client';
import { replicaController } from '../replica-set/core.ts';
import type { Seen } from '../shared/objects.ts';

export function replicationController(deps: ControllerDeps): ControllerSpec {
  return replicaController(deps, {
    name: 'replicationcontroller',
    type: ReplicationController,
    matcherOf: (owner) => {
      const { selector, template } = (owner as Seen<ReplicationController>).spec;
      return labelSetMatcher(selector ?? template?.metadata?.labels);
    },
  });
}
