import { isStatus, type KubeObject, type ResourceType } from '@kubelab/api';
import type { DeleteOptions, KubeClient } from '@kubelab/client';
import { refOf, type Seen } from './objects.ts';

/** Undefined when the object is not there (any more), which is often what was wanted. */
export async function ifThere<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined;
    throw error;
  }
}

/**
 * Undefined when the name is taken: by ourselves, if the name follows from what is created, and our cache is
 * behind.
 */
export async function ifFree<T>(create: () => Promise<T>): Promise<T | undefined> {
  try {
    return await create();
  } catch (error) {
    if (isStatus(error, 'AlreadyExists')) return undefined;
    throw error;
  }
}

/**
 * Deletes this object in this very version: what has changed meanwhile is decided on anew (Conflict). False
 * when it was gone.
 */
export async function deleteSeen<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: Seen<KubeObject>,
  options: Omit<DeleteOptions, 'preconditions'> = {},
): Promise<boolean> {
  const { uid, resourceVersion } = object.metadata;
  const preconditions = { uid, resourceVersion };
  const request = async () => {
    await client.delete(type, refOf(object), { ...options, preconditions });
    return true;
  };
  return (await ifThere(request)) ?? false;
}
