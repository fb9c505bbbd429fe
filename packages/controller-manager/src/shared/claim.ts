import {
  controllerOf,
  type KubeObject,
  newControllerRef,
  type OwnerReference,
  type ResourceType,
} from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { allOrThrow } from './slow-start.ts';
import { ifThere } from './writes.ts';
import { refOf, type Seen } from './objects.ts';

/** What an owner does about the objects that may be its own. */
export interface ClaimPlan<T> {
  readonly owned: readonly T[];
  readonly toAdopt: readonly T[];
  readonly toRelease: readonly T[];
}

/**
 * RS-1: ours is what our controllerRef names and the selector matches. Orphans that match are adopted, ours
 * that no
 * longer match are released; nothing being deleted is touched, and an owner being deleted adopts nothing.
 */
export function planClaim<T extends Seen<KubeObject>>(
  owner: Seen<KubeObject>,
  candidates: readonly T[],
  matches: (object: T) => boolean,
): ClaimPlan<T> {
  const plan = { owned: [] as T[], toAdopt: [] as T[], toRelease: [] as T[] };
  const ownerIsGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const isGoing = object.metadata.deletionTimestamp !== undefined;
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(object)) plan.owned.push(object);
      else if (!isGoing && !ownerIsGoing) plan.toRelease.push(object);
    } else if (matches(object) && !isGoing && !ownerIsGoing) {
      plan.toAdopt.push(object);
    }
  }
  return plan;
}

/**
 * Carries a claim out and answers what is ours afterwards. Adoption first asks the API server whether the
 * owner still
 * lives, because a cache may be behind a deletion; every write names the uid and version it was decided on.
 */
export async function carryOutClaim<T extends KubeObject>(
  client: KubeClient,
  owner: Seen<KubeObject>,
  ownerType: ResourceType,
  type: ResourceType<T>,
  plan: ClaimPlan<Seen<T>>,
): Promise<Seen<T>[]> {
  const owned: Seen<T>[] = [...plan.owned];
  if (plan.toAdopt.length > 0) {
    await assertOwnerLives(client, owner, ownerType);
    const ref = newControllerRef(owner, ownerType);
    for (const object of plan.toAdopt as readonly Seen<KubeObject>[]) {
      const adopted = await writeOwners(client, type, object, [
        ...(object.metadata.ownerReferences ?? []),
        ref,
      ]);
      if (adopted !== undefined) owned.push(adopted as Seen<T>);
    }
  }
  await allOrThrow(
    (plan.toRelease as readonly Seen<KubeObject>[]).map((object) => {
      const others = object.metadata.ownerReferences?.filter((ref) => ref.uid !== owner.metadata.uid) ?? [];
      return writeOwners(client, type, object, others);
    }),
  );
  return owned;
}

async function assertOwnerLives(
  client: KubeClient,
  owner: Seen<KubeObject>,
  type: ResourceType,
): Promise<void> {
  const live = await client.get(type, refOf(owner));
  if (live.metadata.uid !== owner.metadata.uid || live.metadata.deletionTimestamp !== undefined) {
    throw new Error(`${type.kind} ${owner.metadata.name} is gone or going: it adopts nothing`);
  }
}

/** Undefined when the object is gone already. */
function writeOwners<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: Seen<KubeObject>,
  ownerReferences: readonly Seen<OwnerReference>[],
): Promise<T | undefined> {
  const { uid, resourceVersion } = object.metadata;
  const patch = { metadata: { uid, resourceVersion, ownerReferences } };
  return ifThere(() => client.patch(type, refOf(object), patch, { type: 'merge' }));
}
