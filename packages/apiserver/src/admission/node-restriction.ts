import { errors, isMirrorPod, type KubeObject, type Node, Pod, semanticEqual } from '@kubelab/api';
import { configMapsOf, secretsOf } from '../authz/node.ts';
import { nodeOf } from '../core/user.ts';
import type { Lookup } from '../registry/lookup.ts';
import { type AdmissionPlugin, type Attributes, isCore } from './plugin.ts';
import { forbiddenNodeLabels } from './node-labels.ts';

/**
 * What a kubelet may write, with the object in hand (upstream: `plugin/pkg/admission/noderestriction`).
 * Invariants
 *   S4  a kubelet writes its own Node, Lease and pods only; no taints, no protected labels; tokens only for
 *       pods on its node
 */
export function nodeRestriction(lookup: Lookup): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    async admit(attributes) {
      const node = nodeOf(attributes.user);
      if (node === undefined) return;
      const { resource, subresource } = attributes;
      if (isCore(attributes, 'pods')) {
        if (subresource === '') await pods(attributes, node, lookup);
        else if (subresource === 'status')
          ownPod(attributes, node, attributes.old as Pod | undefined, 'update status for');
        else if (subresource === 'eviction')
          ownPod(attributes, node, await podOf(attributes, lookup), 'evict');
        else
          throw refusal(
            attributes,
            `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`,
          );
      } else if (isCore(attributes, 'nodes')) nodes(attributes, node);
      else if (isCore(attributes, 'serviceaccounts') && subresource === 'token')
        await token(attributes, node, lookup);
      else if (resource.group === 'coordination.k8s.io' && resource.resource === 'leases')
        sameName(attributes, node, 'kube-node-lease');
      else if (resource.group === 'storage.k8s.io' && resource.resource === 'csinodes')
        sameName(attributes, node);
    },
  };
}

function refusal({ resource, name }: Attributes, why: string): Error {
  return errors.forbidden(resource, name, why);
}

async function podOf({ namespace, name }: Attributes, lookup: Lookup): Promise<Pod | undefined> {
  return lookup.fresh(Pod, `${namespace}/${name}`);
}

async function pods(attributes: Attributes, node: string, lookup: Lookup): Promise<void> {
  switch (attributes.operation) {
    case 'CREATE':
      mirrorPod(attributes, node, attributes.object as Pod);
      return;
    case 'DELETE':
      ownPod(attributes, node, attributes.old as Pod | undefined, 'delete');
      return;
    case 'UPDATE':
      ownPod(attributes, node, await podOf(attributes, lookup), 'update');
      throw refusal(attributes, `node "${node}" can only update the status of pods`);
  }
}

/** A kubelet creates only the API's image of a pod that it runs by itself. */
function mirrorPod(attributes: Attributes, node: string, pod: Pod): void {
  if (!isMirrorPod(pod)) {
    throw refusal(
      attributes,
      `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`,
    );
  }
  if (pod.spec.nodeName !== node)
    throw refusal(attributes, `node "${node}" can only create pods with spec.nodeName set to itself`);
  const owners = pod.metadata.ownerReferences ?? [];
  const foreign = owners.some((owner) => owner.kind !== 'Node' || owner.name !== node);
  if (owners.length > 1 || foreign)
    throw refusal(attributes, `node "${node}" can only create pods with an owner reference set to itself`);
  if (pod.spec.serviceAccountName)
    throw refusal(attributes, `node "${node}" can not create pods that reference a service account`);
  if (secretsOf(pod).size > 0)
    throw refusal(attributes, `node "${node}" can not create pods that reference secrets`);
  if (configMapsOf(pod).size > 0)
    throw refusal(attributes, `node "${node}" can not create pods that reference configmaps`);
  if ((pod.spec.volumes ?? []).some((volume) => volume.persistentVolumeClaim || volume.ephemeral)) {
    throw refusal(attributes, `node "${node}" can not create pods that reference persistentvolumeclaims`);
  }
}

function ownPod(attributes: Attributes, node: string, pod: Pod | undefined, action: string): void {
  if (pod?.spec.nodeName === node) return;
  // A pod that is not there is somebody else's to say.
  if (pod === undefined && attributes.operation !== 'CREATE') return;
  throw refusal(attributes, `node "${node}" can only ${action} pods with spec.nodeName set to itself`);
}

function nodes(attributes: Attributes, node: string): void {
  const { operation, name, subresource } = attributes;
  const object = attributes.object as Node | undefined;
  const old = attributes.old as Node | undefined;
  if (name !== node) throw refusal(attributes, `node "${node}" is not allowed to modify node "${name}"`);
  if (operation === 'DELETE') throw refusal(attributes, `node "${node}" is not allowed to delete itself`);
  if (object === undefined) return;
  if (operation === 'CREATE') {
    const labels = forbiddenNodeLabels(Object.keys(object.metadata.labels ?? {}));
    if (labels.length > 0)
      throw refusal(
        attributes,
        `node "${node}" is not allowed to set the following labels: ${labels.join(', ')}`,
      );
    return;
  }
  if (
    (object.metadata.ownerReferences ?? []).length > 0 &&
    !semanticEqual(object.metadata.ownerReferences, old?.metadata.ownerReferences)
  ) {
    throw refusal(attributes, `node "${node}" is not allowed to update its ownerReferences`);
  }
  if (subresource === '' && !semanticEqual(object.spec?.taints ?? [], old?.spec?.taints ?? [])) {
    throw refusal(attributes, `node "${node}" is not allowed to modify taints`);
  }
  const changed = forbiddenNodeLabels(changedLabels(object, old));
  if (changed.length > 0) throw refusal(attributes, `is not allowed to modify labels: ${changed.join(', ')}`);
}

function changedLabels(object: KubeObject, old: KubeObject | undefined): string[] {
  const now = object.metadata.labels ?? {};
  const before = old?.metadata.labels ?? {};
  return [...new Set([...Object.keys(now), ...Object.keys(before)])].filter(
    (key) => now[key] !== before[key],
  );
}

interface TokenRequestLike extends KubeObject {
  spec?: { boundObjectRef?: { kind?: string; apiVersion?: string; name?: string; uid?: string } };
}

async function token(attributes: Attributes, node: string, lookup: Lookup): Promise<void> {
  const request: TokenRequestLike | undefined = attributes.object;
  const ref = request?.spec?.boundObjectRef;
  if (ref?.kind !== 'Pod' || ref.apiVersion !== 'v1' || !ref.name) {
    throw refusal(attributes, `node requested token not bound to a pod`);
  }
  if (!ref.uid) throw refusal(attributes, `node requested token with a pod binding without a uid`);
  const pod = await lookup.fresh(
    Pod,
    `${attributes.namespace}/${ref.name}`,
    (found) => found.metadata.uid === ref.uid,
  );
  if (pod === undefined)
    throw refusal(
      attributes,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record`,
    );
  if (pod.spec.nodeName !== node)
    throw refusal(attributes, `node requested token bound to a pod scheduled on a different node`);
}

/** Objects that belong to a node by their name. */
function sameName(attributes: Attributes, node: string, namespace?: string): void {
  if (namespace !== undefined && attributes.namespace !== namespace) {
    throw refusal(attributes, `can only access leases in the "${namespace}" system namespace`);
  }
  if (attributes.name !== node)
    throw refusal(attributes, `can only access the object with the same name as the requesting node`);
}
