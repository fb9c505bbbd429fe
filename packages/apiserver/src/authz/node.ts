import { parseFieldSelector, type Pod, type Volume } from '@kubelab/api';
import type { ResourceCache } from '../cache/resource-cache.ts';
import { nodeOf } from '../core/user.ts';
import { BY_NODE } from '../registry/read.ts';
import type { AccessRequest, Authorizer, Decision } from './authorizer.ts';
import { NODE_RULES } from './policy/node-rules.ts';
import { ruleAllows } from './rules.ts';

export interface NodeCaches {
  readonly pods: ResourceCache;
  readonly persistentVolumeClaims: ResourceCache;
}

/**
 * What a kubelet may do (upstream: `plugin/pkg/auth/authorizer/node`): a fixed list of rules, narrowed to
 * what belongs to its node.
 * Invariants
 *   S4  a kubelet reads a secret, config map, claim or token only when a pod bound to its node refers to it,
 *       and only its own node's pods
 */
export class NodeAuthorizer implements Authorizer {
  readonly #caches: NodeCaches;

  constructor(caches: NodeCaches) {
    this.#caches = caches;
  }

  authorize(request: AccessRequest): Decision {
    const node = nodeOf(request.user);
    if (node === undefined) return { allowed: false, reason: '' };
    if (!request.isResource) return byRules(request);
    const { group, resource, subresource } = request;
    switch (group === '' ? resource : `${resource}.${group}`) {
      case 'secrets':
      case 'configmaps':
        return this.#readReferenced(request, node);
      case 'persistentvolumeclaims':
        return subresource === 'status'
          ? this.#related(request, node, ['update', 'patch'])
          : this.#related(request, node, ['get']);
      case 'persistentvolumes':
        return this.#related(request, node, ['get']);
      case 'serviceaccounts':
        return subresource === 'token'
          ? this.#related(request, node, ['create'])
          : refused('can only create tokens for individual service accounts');
      case 'leases.coordination.k8s.io':
        return ownLease(request, node);
      case 'csinodes.storage.k8s.io':
        return ownObject(request, node, ['get', 'create', 'update', 'patch', 'delete']);
      case 'pods':
        return this.#pods(request, node);
      default:
        return byRules(request);
    }
  }

  /** get, or a list or watch of exactly this name. */
  #readReferenced(request: AccessRequest, node: string): Decision {
    return this.#related(request, node, ['get', 'list', 'watch']);
  }

  #related(request: AccessRequest, node: string, verbs: readonly string[]): Decision {
    const { verb, name, namespace, resource } = request;
    if (!verbs.includes(verb)) return refused(`can only ${verbs.join(', ')} resources of this type`);
    if (request.subresource !== '' && request.subresource !== 'token' && request.subresource !== 'status') {
      return refused('cannot read subresource');
    }
    if (name === '') return refused(`can only ${verb} individual resources of this type`);
    const isRelated = this.#podsOn(node).some(
      (pod) =>
        (resource === 'persistentvolumes' || pod.metadata.namespace === namespace) &&
        this.#refersTo(pod, resource, name),
    );
    return isRelated ? allowed : refused(`no relationship found between node '${node}' and this object`);
  }

  #podsOn(node: string): Pod[] {
    return this.#caches.pods.byIndex(BY_NODE, node).map((entry) => entry.object as Pod);
  }

  #refersTo(pod: Pod, resource: string, name: string): boolean {
    switch (resource) {
      case 'secrets':
        return secretsOf(pod).has(name);
      case 'configmaps':
        return configMapsOf(pod).has(name);
      case 'persistentvolumeclaims':
        return claimsOf(pod).has(name);
      case 'persistentvolumes':
        return [...claimsOf(pod)].some(
          (claim) => this.#volumeOf(pod.metadata.namespace ?? '', claim) === name,
        );
      case 'serviceaccounts':
        return (pod.spec.serviceAccountName ?? '') === name;
      default:
        return false;
    }
  }

  #volumeOf(namespace: string, claim: string): string | undefined {
    const found = this.#caches.persistentVolumeClaims.get(`${namespace}/${claim}`)?.object;
    return (found as { spec?: { volumeName?: string } } | undefined)?.spec?.volumeName;
  }

  /**
   * Reads only of its own pods; what it may write of them, NodeRestriction decides with the object in hand.
   */
  #pods(request: AccessRequest, node: string): Decision {
    const { verb, name, namespace, subresource } = request;
    if (verb === 'list' || verb === 'watch') {
      if (selectsNode(request.selector, node)) return allowed;
      if (name === '') return refused(`can only list/watch pods with spec.nodeName field selector`);
    }
    if ((verb === 'get' || verb === 'list' || verb === 'watch') && subresource === '') {
      const pod = this.#caches.pods.get(`${namespace}/${name}`)?.object as Pod | undefined;
      return pod?.spec.nodeName === node
        ? allowed
        : refused(`no relationship found between node '${node}' and this object`);
    }
    return byRules(request);
  }
}

const allowed: Decision = { allowed: true, reason: '' };

function refused(reason: string): Decision {
  return { allowed: false, reason };
}

function byRules(request: AccessRequest): Decision {
  return NODE_RULES.some((rule) => ruleAllows(rule, request)) ? allowed : refused('');
}

function ownLease(request: AccessRequest, node: string): Decision {
  if (request.namespace !== 'kube-node-lease')
    return refused('can only access leases in the "kube-node-lease" system namespace');
  return ownObject(request, node, ['get', 'create', 'update', 'patch', 'delete']);
}

/** The object named like the node. A create has no name in its path: NodeRestriction looks at the body. */
function ownObject(
  { verb, name, subresource }: AccessRequest,
  node: string,
  verbs: readonly string[],
): Decision {
  if (!verbs.includes(verb)) return refused(`can only ${verbs.join(', ')} an object of this type`);
  if (subresource !== '') return refused('cannot access subresources of this type');
  if (verb !== 'create' && name !== node)
    return refused('can only access the object with the same name as the requesting node');
  return allowed;
}

function selectsNode(selector: string | undefined, node: string): boolean {
  if (selector === undefined || selector === '') return false;
  try {
    return parseFieldSelector(selector).exact('spec.nodeName') === node;
  } catch {
    // A selector nobody can read is refused later, in the words for it; here it proves nothing.
    return false;
  }
}

/** Every secret the pod refers to, wherever that may be written. */
export function secretsOf(pod: Pod): Set<string> {
  const { spec } = pod;
  const names = new Set<string>();
  for (const { name } of spec.imagePullSecrets ?? []) if (name) names.add(name);
  for (const reference of envReferences(pod, 'secret')) names.add(reference);
  for (const volume of spec.volumes ?? []) for (const name of volumeSecrets(volume)) names.add(name);
  return names;
}

export function configMapsOf(pod: Pod): Set<string> {
  const names = new Set<string>(envReferences(pod, 'configMap'));
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.configMap?.name) names.add(volume.configMap.name);
    for (const source of volume.projected?.sources ?? [])
      if (source.configMap?.name) names.add(source.configMap.name);
  }
  return names;
}

function claimsOf(pod: Pod): Set<string> {
  const names = new Set<string>();
  for (const volume of pod.spec.volumes ?? []) {
    if (volume.persistentVolumeClaim) names.add(volume.persistentVolumeClaim.claimName);
    // A generic ephemeral volume's claim is named after pod and volume.
    if (volume.ephemeral) names.add(`${pod.metadata.name}-${volume.name}`);
  }
  return names;
}

function envReferences({ spec }: Pod, kind: 'secret' | 'configMap'): string[] {
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...(spec.ephemeralContainers ?? []),
  ];
  const names = containers.flatMap((container) => [
    ...(container.envFrom ?? []).map((from) =>
      kind === 'secret' ? from.secretRef?.name : from.configMapRef?.name,
    ),
    ...(container.env ?? []).map(({ valueFrom }) =>
      kind === 'secret' ? valueFrom?.secretKeyRef?.name : valueFrom?.configMapKeyRef?.name,
    ),
  ]);
  return names.filter((name): name is string => name !== undefined && name !== '');
}

function volumeSecrets(volume: Volume): string[] {
  const names = [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    volume.azureFile?.secretName,
    volume.cephfs?.secretRef?.name,
    volume.cinder?.secretRef?.name,
    volume.csi?.nodePublishSecretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
  ];
  return names.filter((name): name is string => name !== undefined && name !== '');
}
