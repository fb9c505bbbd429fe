/**
 * Strategies: what the server itself decides about an object as it is written, after mutating admission and
 * before validation. (Upstream: `pkg/registry/<group>/<kind>/strategy.go` and `registry/rest`.)
 * Invariants
 *   STR-1  the main endpoint never changes status, and /status never changes spec
 *   STR-2  generation goes up when, and only when, what is wanted changed; /status never moves it
 *   STR-3  identity is the server's: uid, creationTimestamp and deletion marks come from the stored object
 */
import { assert } from '@kubelab/component-base';
import { mirrorServiceAccount } from '../defaults/pod-spec.ts';
import { type NamedResource, qualifiedResource } from '../errors.ts';
import type { CertificateSigningRequest, Job, Namespace, Pod, Service } from '../generated/types.ts';
import type { KubeObject } from '../meta.ts';
import { firstGeneration, nextGeneration } from './generation.ts';
import { generateJobSelector } from './job.ts';
import { keepNamespaceFinalizers, prepareNamespace } from './namespace.ts';
import { prepareService, prepareServiceUpdate } from './service.ts';
import { firstStatus } from './status.ts';
import { keepToSubresource } from './subresources.ts';

export * from './deletion.ts';
export { needsClusterIP, needsHealthCheck, needsNodePort } from './service.ts';
export * from './update-rules.ts';

interface StrategyResource extends NamedResource {
  readonly hasStatus: boolean;
}

type WithStatus = KubeObject & { status?: unknown };

/** Readies a new object in place. Its name, namespace, uid and creationTimestamp are already set. */
export function prepareForCreate(rt: StrategyResource, object: KubeObject): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  setGeneration(object, firstGeneration(rt));
  switch (qualifiedResource(rt)) {
    case 'pods':
      mirrorServiceAccount((object as Pod).spec);
      break;
    case 'namespaces':
      prepareNamespace(object as Namespace);
      break;
    case 'services':
      prepareService(object as Service);
      break;
    case 'jobs.batch':
      generateJobSelector(object as Job);
      break;
  }
  if (rt.hasStatus) (object as WithStatus).status = firstStatus(rt, object);
}

/**
 * Readies a replacement in place. `subresource` names the endpoint (`status`, `resize`, …); undefined is the
 * main one. `old` is not changed, but `object` may come to share parts with it.
 */
export function prepareForUpdate(
  rt: StrategyResource,
  object: KubeObject,
  old: KubeObject,
  subresource?: string,
): void {
  keepIdentity(object, old);
  if (subresource === undefined) prepareMainUpdate(rt, object, old);
  else keepToSubresource(rt, subresource, object, old);
  const isReport = subresource === 'status' || subresource === 'approval';
  setGeneration(object, isReport ? old.metadata.generation : nextGeneration(rt, object, old));
  assert((object.metadata.generation ?? 0) >= (old.metadata.generation ?? 0), 'STR-2');
}

function prepareMainUpdate(rt: StrategyResource, object: KubeObject, old: KubeObject): void {
  switch (qualifiedResource(rt)) {
    case 'pods':
      mirrorServiceAccount((object as Pod).spec);
      break;
    case 'namespaces':
      keepNamespaceFinalizers(object as Namespace, old as Namespace);
      break;
    case 'services':
      prepareServiceUpdate(object as Service, old as Service);
      break;
    case 'certificatesigningrequests.certificates.k8s.io':
      // A request cannot be changed once somebody may have approved it.
      (object as CertificateSigningRequest).spec = (old as CertificateSigningRequest).spec;
      break;
  }
  if (!rt.hasStatus) return;
  const { status } = old as WithStatus;
  if (status === undefined) delete (object as WithStatus).status;
  else (object as WithStatus).status = status;
}

/** STR-3. Name, namespace and a differing uid are refused before and after this; see validation. */
function keepIdentity(object: KubeObject, old: KubeObject): void {
  const { metadata } = object;
  metadata.uid = old.metadata.uid;
  metadata.creationTimestamp = old.metadata.creationTimestamp;
  delete metadata.selfLink;
  setOrDelete(metadata, 'deletionTimestamp', old.metadata.deletionTimestamp);
  setOrDelete(metadata, 'deletionGracePeriodSeconds', old.metadata.deletionGracePeriodSeconds);
}

function setGeneration(object: KubeObject, generation: number | undefined): void {
  setOrDelete(object.metadata, 'generation', generation);
}

function setOrDelete<T extends object, K extends keyof T>(target: T, key: K, value: T[K] | undefined): void {
  if (value === undefined) delete target[key];
  else target[key] = value;
}
