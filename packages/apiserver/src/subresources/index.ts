import { errors } from '@kubelab/api';
import type { ServiceAccountTokens } from '../authn/service-account.ts';
import type { KubeletClient } from '../kubelet/client.ts';
import { podLog } from '../kubelet/logs.ts';
import { nodeProxy } from '../kubelet/node-proxy.ts';
import type { Handler, Handlers } from '../registry/dispatch.ts';
import type { Lookup } from '../registry/lookup.ts';
import type { Registry } from '../registry/registry.ts';
import { bindPod } from './binding.ts';
import { evictPod } from './eviction.ts';
import { getScale, patchScale, putScale } from './scale.ts';
import { createToken } from './token.ts';

export interface SubresourceDeps {
  readonly registry: Registry;
  readonly lookup: Lookup;
  readonly tokens: ServiceAccountTokens;
  readonly kubelets: KubeletClient;
  readonly audiences: readonly string[];
  readonly tokenSecondsMax: number;
}

const SCALABLE = ['deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'replicationcontrollers'];
const UPGRADED = ['exec', 'attach', 'portforward'];

/**
 * Subresources with a life of their own; the others (status, finalize, approval, …) are views of the object.
 */
export function subresourceHandlers(deps: SubresourceDeps): Handlers {
  const { registry, lookup, kubelets, tokens, audiences, tokenSecondsMax } = deps;
  const scale = {
    get: (call: Parameters<Handler>[0]) => getScale(call, registry),
    update: (call: Parameters<Handler>[0]) => putScale(call, registry),
    patch: (call: Parameters<Handler>[0]) => patchScale(call, registry),
  };
  const tokenDeps = { tokens, lookup, admission: registry.admission, audiences, secondsMax: tokenSecondsMax };
  const notUpgraded = () => Promise.reject(errors.badRequest('Upgrade request required'));
  return {
    ...Object.fromEntries(SCALABLE.map((resource) => [`${resource}/scale`, scale])),
    ...Object.fromEntries(
      UPGRADED.map((name) => [`pods/${name}`, { get: notUpgraded, create: notUpgraded }]),
    ),
    'pods/binding': { create: (call) => bindPod(call, registry) },
    bindings: { create: (call) => bindPod(call, registry) },
    'pods/eviction': { create: (call) => evictPod(call, registry, lookup) },
    'nodes/proxy': { get: (call) => nodeProxy(call, kubelets, lookup) },
    // Known to clients by discovery, not served: every verb is refused.
    'pods/proxy': {},
    'services/proxy': {},
    'pods/log': { get: (call) => podLog(call, kubelets, lookup) },
    'serviceaccounts/token': { create: (call) => createToken(call, tokenDeps) },
  };
}
