import {
  checkFieldsSupported,
  fieldNamesOf,
  fieldsOf,
  type LabelMatcher,
  parseFieldSelector,
  parseLabelSelector,
} from '@kubelab/api';
import type { ServedResource } from '@kubelab/api/server';
import type { CacheEntry } from '../cache/entry.ts';
import type { WatchFilter } from '../cache/watcher.ts';

/** Which objects of a resource a list, watch or deletecollection is about. */
export interface Selection extends WatchFilter {
  /** Labels or fields narrow it down further than the key does. */
  readonly isNarrowed: boolean;
  /** An exact `spec.nodeName=x` on pods, which has an index. */
  readonly nodeName: string | undefined;
}

/** Throws ApiError 400 for selectors that cannot be read or name an unknown field. */
export function selectionOf(
  resource: ServedResource,
  namespace: string,
  selectors: { readonly labelSelector: string; readonly fieldSelector: string },
): Selection {
  const keyPrefix = resource.namespaced && namespace !== '' ? `${namespace}/` : '';
  const labels = selectors.labelSelector === '' ? undefined : parseLabelSelector(selectors.labelSelector);
  if (selectors.fieldSelector === '') {
    return {
      keyPrefix,
      isNarrowed: labels !== undefined,
      nodeName: undefined,
      matches: (entry) => labelsMatch(labels, entry),
    };
  }
  const fields = parseFieldSelector(selectors.fieldSelector);
  checkFieldsSupported(fields, fieldNamesOf(resource));
  const name = fields.exact('metadata.name');
  const hasNamespace = !resource.namespaced || namespace !== '';
  const key = name !== undefined && hasNamespace ? `${keyPrefix}${name}` : undefined;
  const computeFields = (object: CacheEntry['object']) => ({ ...fieldsOf(resource, object) });
  return {
    keyPrefix,
    key,
    isNarrowed: true,
    nodeName:
      resource.group === '' && resource.resource === 'pods'
        ? fields.exact('spec.nodeName') || undefined
        : undefined,
    matches: (entry) => labelsMatch(labels, entry) && fields.matches(entry.fields(computeFields)),
  };
}

function labelsMatch(labels: LabelMatcher | undefined, entry: CacheEntry): boolean {
  return labels === undefined || labels.matches(entry.object.metadata.labels ?? {});
}
