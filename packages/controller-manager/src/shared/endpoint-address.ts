import {
  isPodReady,
  isPodTerminal,
  isTerminating,
  type Pod,
  type Service,
  type ServicePort,
} from '@kubelab/api';
import type { Seen } from './objects.ts';
import type { SeenPod } from './pods.ts';

export type SeenService = Seen<Service>;

/** A port of a Service as one pod answers it. */
export interface ResolvedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  readonly appProtocol?: string | undefined;
}

/** What a pod is to a Service: upstream's endpoint conditions. */
export interface Serving {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

/**
 * Has an address and may still answer: ended pods are no endpoints, ending ones are (until they are gone).
 */
export function isEndpointPod(pod: SeenPod): boolean {
  return !isPodTerminal(pod) && (pod.status?.podIP ?? '') !== '' && (pod.spec.nodeName ?? '') !== '';
}

export function servingOf(pod: SeenPod, service: SeenService): Serving {
  const serving = isPodReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  return { ready, serving, terminating };
}

/** The pod's answer to each port of the Service; a named target that the pod does not have is left out. */
export function resolvePorts(service: SeenService, pod: SeenPod): ResolvedPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const protocol = port.protocol ?? 'TCP';
    const appProtocol = port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol };
    return [{ name: port.name ?? '', protocol, port: number, ...appProtocol }];
  });
}

function targetPort(port: Seen<ServicePort>, pod: SeenPod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const containers = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ];
  return containers
    .flatMap((container) => container.ports ?? [])
    .find(({ name, protocol }) => name === target && (protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
    ?.containerPort;
}

/** The name by which DNS finds this very pod under a headless Service. */
export function hostnameOf(pod: SeenPod, service: SeenService): string | undefined {
  const { hostname, subdomain } = pod.spec;
  const isNamed = (hostname ?? '') !== '' && subdomain === service.metadata.name;
  return isNamed && pod.metadata.namespace === service.metadata.namespace ? hostname : undefined;
}

export function isHeadless(service: SeenService): boolean {
  return service.spec.clusterIP === 'None';
}

/** Fields of a pod that make a difference to any Service: others change without waking anybody. */
export function endpointFacts(pod: SeenPod): readonly unknown[] {
  return [
    pod.metadata.labels,
    pod.status?.podIP,
    pod.spec.nodeName,
    pod.spec.hostname,
    pod.spec.subdomain,
    isPodReady(pod),
    isTerminating(pod),
    isPodTerminal(pod),
  ];
}

export function podRef(pod: Seen<Pod>) {
  const { namespace, name, uid } = pod.metadata;
  return { kind: 'Pod', namespace, name, uid };
}
