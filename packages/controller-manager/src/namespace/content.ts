import { isStatus } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';
import { compareText } from '../shared/objects.ts';
import type { Discovery, ServedType } from '../shared/discovery.ts';
import type { ContentReport, Remaining } from './plan.ts';

const PARALLEL_RESOURCES = 8;

/** Asks everything in the namespace to go, resource by resource, and reports what is left. */
export async function deleteContent(
  client: KubeClient,
  namespace: string,
  discovery: Discovery,
): Promise<ContentReport> {
  const queue = discovery.resources.filter(holdsContent);
  const remaining: Remaining[] = [];
  const deleteErrors: string[] = [];
  const work = async (): Promise<void> => {
    for (let type = queue.shift(); type !== undefined; type = queue.shift()) {
      try {
        const left = await deleteAllOf(client, namespace, type);
        if (left !== undefined) remaining.push(left);
      } catch (error) {
        if (isStatus(error, 'NotFound', 'MethodNotAllowed')) continue;
        deleteErrors.push(`${resourceName(type)}: ${errorMessage(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_RESOURCES }, work));
  remaining.sort((a, b) => compareText(a.resource, b.resource));
  return { remaining, deleteErrors: deleteErrors.sort(), discoveryFailures: discovery.failures };
}

function holdsContent(type: ServedType): boolean {
  return type.namespaced && type.verbs.has('list') && type.verbs.has('delete');
}

/** Undefined when nothing is left. An empty resource costs one list and no delete. */
async function deleteAllOf(
  client: KubeClient,
  namespace: string,
  type: ServedType,
): Promise<Remaining | undefined> {
  const before = await client.list(type, { namespace });
  if (before.items.length === 0) return undefined;
  const fresh = before.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (fresh.length > 0 && type.verbs.has('deletecollection')) {
    await client.deleteCollection(type, { namespace });
  } else {
    for (const { metadata } of fresh) {
      const ref = { namespace, name: metadata.name };
      await client.delete(type, ref, {
        propagationPolicy: 'Background',
        preconditions: { uid: metadata.uid },
      });
    }
  }
  const { items } = fresh.length === 0 ? before : await client.list(type, { namespace });
  if (items.length === 0) return undefined;
  const finalizers = new Map<string, number>();
  for (const name of items.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
    finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
  }
  return { resource: resourceName(type), count: items.length, finalizers };
}

function resourceName({ group, resource }: ServedType): string {
  return `${resource}.${group}`;
}
