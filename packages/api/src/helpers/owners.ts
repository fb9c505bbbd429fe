/** Owner references: who made an object and answers for it. */
import type { OwnerReference } from '../generated/types.ts';
import type { ResourceType } from '../meta.ts';
import type { DeepReadonly } from './deep-readonly.ts';

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly DeepReadonly<OwnerReference>[] | undefined };
}

interface Owner {
  readonly metadata: { readonly name: string; readonly uid: string };
}

/** The one owner that manages the object, if any. */
export function controllerOf(object: Owned): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function isControlledBy(object: Owned, owner: Owner): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** The reference a controller writes into what it creates. */
export function newControllerRef(
  owner: Owner,
  type: Pick<ResourceType, 'apiVersion' | 'kind'>,
): OwnerReference {
  const { name, uid } = owner.metadata;
  return {
    apiVersion: type.apiVersion,
    kind: type.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}
