/** What the engine is told to create, from the kubelet's configs. Pure. */
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import { containerName, LABEL, SANDBOX_CONTAINER } from '../../core/names.ts';
import type { ContainerConfig, Mount, PodIdentity, PodSandboxConfig } from '../types.ts';

/** Half a page of machine code that sleeps: never the first to be killed. */
const PAUSE_CPU_SHARES = 2;

export function sandboxOptions(
  config: PodSandboxConfig,
  image: string,
  node: string,
): ContainerCreateOptions {
  const { pod, namespaces, dns, domainname } = config;
  const onHostNetwork = namespaces.hostNetwork;
  return {
    name: containerName(pod, SANDBOX_CONTAINER, config.attempt),
    Image: image,
    Labels: labels(pod, SANDBOX_CONTAINER, 'podsandbox', node),
    // On the host's network the engine refuses a name of its own.
    ...(onHostNetwork ? {} : { Hostname: config.hostname }),
    ...(onHostNetwork || domainname === undefined ? {} : { Domainname: domainname }),
    HostConfig: {
      NetworkMode: onHostNetwork ? 'host' : 'default',
      IpcMode: namespaces.hostIpc ? 'host' : 'shareable',
      ...(namespaces.hostPid ? { PidMode: 'host' } : {}),
      CpuShares: PAUSE_CPU_SHARES,
      LogConfig: { Type: 'none', Config: {} },
      ExtraHosts: config.hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => `${name}:${ip}`)),
      ...(Object.keys(config.sysctls).length === 0 ? {} : { Sysctls: { ...config.sysctls } }),
      ...(dns === undefined
        ? {}
        : { Dns: [...dns.servers], DnsSearch: [...dns.searches], DnsOptions: [...dns.options] }),
    },
  };
}

export function containerOptions(
  sandboxId: string,
  config: ContainerConfig,
  node: string,
): ContainerCreateOptions {
  const { pod, security } = config;
  return {
    name: containerName(pod, config.name, config.attempt),
    Image: config.image,
    Labels: {
      ...labels(pod, config.name, 'container', node),
      [LABEL.sandboxId]: sandboxId,
      [LABEL.hash]: config.hash,
    },
    Env: [...config.env],
    ...(config.command === undefined ? {} : { Entrypoint: [...config.command] }),
    ...(config.args === undefined ? {} : { Cmd: [...config.args] }),
    ...(config.workingDir === undefined ? {} : { WorkingDir: config.workingDir }),
    ...(security.user === undefined ? {} : { User: security.user }),
    OpenStdin: config.stdin,
    StdinOnce: config.stdinOnce,
    Tty: config.tty,
    // A health check of the image is Docker's idea, not the pod's.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: hostConfig(sandboxId, config),
  };
}

function hostConfig(sandboxId: string, config: ContainerConfig): HostConfig {
  const { resources, security, namespaces } = config;
  const sandbox = `container:${sandboxId}`;
  return {
    NetworkMode: sandbox,
    IpcMode: namespaces.hostIpc ? 'host' : sandbox,
    ...(namespaces.hostPid ? { PidMode: 'host' } : namespaces.sharePid ? { PidMode: sandbox } : {}),
    ...(namespaces.hostNetwork ? { UTSMode: 'host' } : {}),
    Mounts: config.mounts.map(mountOption),
    ...(resources.cpuShares === undefined ? {} : { CpuShares: resources.cpuShares }),
    ...(resources.nanoCpus === undefined ? {} : { NanoCpus: resources.nanoCpus }),
    // The same number twice: no swap beyond memory.
    ...(resources.memoryBytes === undefined
      ? {}
      : { Memory: resources.memoryBytes, MemorySwap: resources.memoryBytes }),
    OomScoreAdj: resources.oomScoreAdj,
    Privileged: security.privileged,
    ReadonlyRootfs: security.readOnlyRootFilesystem,
    CapAdd: [...security.capabilitiesAdd],
    CapDrop: [...security.capabilitiesDrop],
    GroupAdd: [...security.groups],
    SecurityOpt: [
      ...(security.noNewPrivileges ? ['no-new-privileges'] : []),
      ...(security.seccompUnconfined ? ['seccomp=unconfined'] : []),
    ],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
  };
}

function mountOption(mount: Mount) {
  return {
    Type: 'bind' as const,
    Source: mount.hostPath,
    Target: mount.containerPath,
    ReadOnly: mount.readOnly,
    BindOptions: { Propagation: mount.propagation === 'private' ? ('rprivate' as const) : mount.propagation },
  };
}

function labels(pod: PodIdentity, container: string, type: string, node: string): Record<string, string> {
  return {
    [LABEL.podName]: pod.name,
    [LABEL.podNamespace]: pod.namespace,
    [LABEL.podUid]: pod.uid,
    [LABEL.containerName]: container,
    [LABEL.type]: type,
    [LABEL.node]: node,
  };
}
