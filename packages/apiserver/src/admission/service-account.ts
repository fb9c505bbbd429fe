import { type Container, errors, isMirrorPod, type Pod, ServiceAccount, type Volume } from '@kubelab/api';
import { type Clock, type Random, randomSuffix } from '@kubelab/component-base';
import type { Lookup } from '../registry/lookup.ts';
import { type AdmissionPlugin, type Attributes, isCore } from './plugin.ts';

const DEFAULT_NAME = 'default';
export const TOKEN_MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const TOKEN_SECONDS = 3607;
/** A namespace's default account is made by a controller a moment after the namespace. */
const DEFAULT_ACCOUNT_ATTEMPTS = 20;
const DEFAULT_ACCOUNT_PAUSE_MS = 100;

/** Every pod runs as a service account, and finds a token of it, the API's CA and its namespace mounted. */
export function serviceAccountAdmission(deps: {
  readonly lookup: Lookup;
  readonly random: Random;
  readonly clock: Clock;
}): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    async admit(attributes) {
      if (!isCore(attributes, 'pods') || attributes.operation !== 'CREATE' || attributes.subresource !== '')
        return;
      const pod = attributes.object as Pod;
      if (isMirrorPod(pod)) {
        refuseMirrorPod(attributes, pod);
        return;
      }
      pod.spec.serviceAccountName ||= DEFAULT_NAME;
      const account = await accountOf(deps, attributes.namespace, pod.spec.serviceAccountName);
      if (account === undefined) {
        const name = `${attributes.namespace}/${pod.spec.serviceAccountName}`;
        const why = `error looking up service account ${name}: serviceaccount "${pod.spec.serviceAccountName}" not found`;
        throw errors.forbidden(attributes.resource, attributes.name, why);
      }
      if (wantsToken(pod, account)) mountToken(pod, deps.random);
      if ((pod.spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        pod.spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
      }
    },
  };
}

/** A mirror pod stands for one that runs already: it may not ask the API for anything. */
function refuseMirrorPod({ resource, name }: Attributes, pod: Pod): void {
  if (pod.spec.serviceAccountName) {
    throw errors.forbidden(resource, name, 'a mirror pod may not reference service accounts');
  }
  const hasToken = (pod.spec.volumes ?? []).some(
    (volume) =>
      volume.secret || (volume.projected?.sources ?? []).some((source) => source.serviceAccountToken),
  );
  if (hasToken) throw errors.forbidden(resource, name, 'a mirror pod may not reference secrets');
}

async function accountOf(
  { lookup, clock }: { lookup: Lookup; clock: Clock },
  namespace: string,
  name: string,
): Promise<ServiceAccount | undefined> {
  const attempts = name === DEFAULT_NAME ? DEFAULT_ACCOUNT_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt++) {
    const found = await lookup.fresh(ServiceAccount, `${namespace}/${name}`);
    if (found !== undefined || attempt >= attempts) return found;
    await clock.sleep(DEFAULT_ACCOUNT_PAUSE_MS);
  }
}

function wantsToken(pod: Pod, account: ServiceAccount): boolean {
  return pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
}

/** Mounts the token where clients look for it, in each container that has nothing of its own there. */
function mountToken(pod: Pod, random: Random): void {
  const existing = (pod.spec.volumes ?? []).find((volume) => isTokenVolume(volume));
  const name = existing?.name ?? freeName(pod, random);
  const mount = { name, readOnly: true, mountPath: TOKEN_MOUNT_PATH };
  let isUsed = false;
  for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers] as Container[]) {
    if ((container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_MOUNT_PATH)) continue;
    container.volumeMounts = [...(container.volumeMounts ?? []), { ...mount }];
    isUsed = true;
  }
  if (isUsed && existing === undefined) pod.spec.volumes = [...(pod.spec.volumes ?? []), tokenVolume(name)];
}

function isTokenVolume(volume: Volume): boolean {
  return volume.name.startsWith('kube-api-access-') && volume.projected !== undefined;
}

function freeName(pod: Pod, random: Random): string {
  const taken = new Set((pod.spec.volumes ?? []).map((volume) => volume.name));
  for (;;) {
    const name = `kube-api-access-${randomSuffix(random)}`;
    if (!taken.has(name)) return name;
  }
}

function tokenVolume(name: string): Volume {
  const namespaceItem = {
    path: 'namespace',
    fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
  };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [namespaceItem] } },
      ],
      defaultMode: 0o644,
    },
  };
}
