import type { APIGroupList, APIResourceList, ResourceType } from '@kubelab/api';
import type { KubeClient } from '@kubelab/client';
import { errorMessage } from '@kubelab/component-base';

/** A resource the API server offers, in its preferred version. */
export interface ServedType extends ResourceType {
  readonly verbs: ReadonlySet<string>;
}

export interface Discovery {
  readonly resources: readonly ServedType[];
  /** Group versions that could not be asked, with the reason. What they hold is unknown, not absent. */
  readonly failures: readonly { readonly groupVersion: string; readonly message: string }[];
}

/**
 * Asks the API server what it serves, subresources left out. Throws when even the list of groups cannot be
 * had.
 */
export async function discover(client: KubeClient): Promise<Discovery> {
  const { groups } = await client.raw<APIGroupList>('get', '/apis');
  const versions = [
    'v1',
    ...groups.map((group) => preferredOf(group)).filter((version) => version !== undefined),
  ];
  const resources: ServedType[] = [];
  const failures: { groupVersion: string; message: string }[] = [];
  await Promise.all(
    versions.map(async (apiVersion) => {
      try {
        const path = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
        const list = await client.raw<APIResourceList>('get', path);
        resources.push(...served(apiVersion, list));
      } catch (error) {
        failures.push({ groupVersion: apiVersion, message: errorMessage(error) });
      }
    }),
  );
  return { resources, failures };
}

function preferredOf(group: APIGroupList['groups'][number]): string | undefined {
  return group.preferredVersion?.groupVersion ?? group.versions[0]?.groupVersion;
}

function served(apiVersion: string, list: APIResourceList): ServedType[] {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  return list.resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({
      group,
      version,
      apiVersion,
      resource: name,
      kind,
      namespaced,
      verbs: new Set(verbs),
    }));
}
