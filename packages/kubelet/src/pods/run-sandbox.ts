import { podDns, podDomain, podHostname } from '../core/dns.ts';
import { namespaceOptions } from '../core/resources.ts';
import { type PodObject, podIdentity, type PodRuntime } from '../core/types.ts';
import type { PodSandbox, PodSandboxConfig } from '../runtime/types.ts';
import { type NodeFacts, type PodDeps } from './deps.ts';

/** Clears away what an earlier sandbox left (after the node's restart everything is dead), then makes a new one. */
export async function runSandbox(
  deps: PodDeps,
  pod: PodObject,
  before: PodRuntime,
  attempt: number,
): Promise<PodSandbox> {
  const { runtime } = deps;
  return deps.starts.run(async () => {
    if (before.sandboxes.length > 0) {
      deps.event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.');
    }
    await Promise.all(before.containers.map(({ id }) => runtime.removeContainer(id)));
    await Promise.all(before.sandboxes.map(({ id }) => runtime.removePodSandbox(id)));
    return runtime.runPodSandbox(sandboxConfig(deps.facts, pod, attempt));
  });
}

function sandboxConfig(facts: NodeFacts, pod: PodObject, attempt: number): PodSandboxConfig {
  const { clusterDns, clusterDomain } = facts;
  const sysctls = pod.spec.securityContext?.sysctls ?? [];
  const hostname = podHostname(pod);
  const domainname = podDomain(pod, clusterDomain);
  return {
    pod: podIdentity(pod),
    attempt,
    ...(pod.spec.setHostnameAsFQDN === true && domainname !== undefined
      ? { hostname: `${hostname}.${domainname}` }
      : { hostname, domainname }),
    dns: podDns({ pod, clusterDns, clusterDomain }),
    hostAliases: (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => ({ ip, hostnames })),
    namespaces: namespaceOptions(pod),
    sysctls: Object.fromEntries(sysctls.map(({ name, value }) => [name, value])),
  };
}
