import {
  controllerOf,
  type DeepReadonly,
  LabelMatcher,
  labelSelectorMatcher,
  labelSetMatcher,
  Namespace,
  PersistentVolume,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Service,
  StatefulSet,
  StorageClass,
} from '@kubelab/api';
import type { InformerFactory } from '@kubelab/client';
import type { ClusterObjects } from '../core/framework.ts';
import type { AnyPod } from '../core/pod-info.ts';

/** What rules look up beside nodes and pods, from the caches. */
export function clusterObjects(informers: InformerFactory): ClusterObjects {
  const namespaces = informers.of(Namespace);
  const services = informers.of(Service);
  const replicaSets = informers.of(ReplicaSet);
  const replicationControllers = informers.of(ReplicationController);
  const statefulSets = informers.of(StatefulSet);
  const budgets = informers.of(PodDisruptionBudget);
  const claims = informers.of(PersistentVolumeClaim);
  const volumes = informers.of(PersistentVolume);
  const storageClasses = informers.of(StorageClass);

  return {
    namespaceLabels: (name) => namespaces.get(name)?.metadata.labels,
    namespaces: () => namespaces.list(),
    ownerSelector,
    disruptionBudgets: (namespace) => budgets.byNamespace(namespace),
    volumeClaim: (namespace, name) => claims.get(`${namespace}/${name}`),
    volume: (name) => volumes.get(name),
    volumes: () => volumes.list(),
    storageClass: (name) => storageClasses.get(name),
  };

  function ownerSelector(pod: AnyPod): LabelMatcher | undefined {
    const namespace = pod.metadata.namespace ?? '';
    const matchers = services
      .byNamespace(namespace)
      .map(({ spec }) => spec?.selector ?? {})
      .filter((selector) => Object.keys(selector).length > 0)
      .map((selector) => labelSetMatcher(selector))
      .filter((matcher) => matcher.matches(pod.metadata.labels));
    const own = controllerSelector(pod, namespace);
    const requirements = [...matchers, ...(own === undefined ? [] : [own])].flatMap(
      (matcher) => matcher.requirements,
    );
    return requirements.length === 0 ? undefined : new LabelMatcher(requirements);
  }

  function controllerSelector(pod: AnyPod, namespace: string): LabelMatcher | undefined {
    const owner = controllerOf(pod);
    if (owner === undefined) return undefined;
    const key = `${namespace}/${owner.name}`;
    if (owner.kind === 'ReplicationController') {
      const selector: DeepReadonly<Record<string, string>> | undefined =
        replicationControllers.get(key)?.spec?.selector;
      return selector === undefined ? undefined : labelSetMatcher(selector);
    }
    const set =
      owner.kind === 'ReplicaSet'
        ? replicaSets.get(key)
        : owner.kind === 'StatefulSet'
          ? statefulSets.get(key)
          : undefined;
    return set === undefined ? undefined : labelSelectorMatcher(set.spec?.selector);
  }
}
