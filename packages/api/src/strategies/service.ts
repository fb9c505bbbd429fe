/**
 * Services: what was allocated stays allocated while it is still wanted, and goes when the type no longer
 * has it (upstream's `patchAllocatedValues` and `dropTypeDependentFields`).
 */
import { isExternallyAccessible } from '../defaults/service.ts';
import type { Service, ServiceSpec } from '../generated/types.ts';
import { semanticEqual } from '../helpers/semantic-equal.ts';

export function prepareService(service: Service): void {
  normalizeClusterIPs(service.spec, undefined);
}

export function prepareServiceUpdate(service: Service, old: Service): void {
  normalizeClusterIPs(service.spec, old.spec);
  keepAllocated(service.spec, old.spec);
  dropWhatTypeNoLongerHas(service.spec, old.spec);
}

/** `clusterIP` is `clusterIPs[0]`; whoever changes one of them means both. */
function normalizeClusterIPs(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  const hasList = (spec.clusterIPs ?? []).length > 0;
  if (old === undefined) {
    if (spec.clusterIP && !hasList) spec.clusterIPs = [spec.clusterIP];
    return;
  }
  const isCleared = old.clusterIP && !spec.clusterIP;
  const isChanged = spec.clusterIP !== old.clusterIP;
  const isListSame = semanticEqual(spec.clusterIPs, old.clusterIPs);
  if (isCleared && isListSame) delete spec.clusterIPs;
  else if (isChanged && isListSame && spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
}

function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIP(spec) && needsClusterIP(old)) {
    if (!spec.clusterIP && old.clusterIP) {
      spec.clusterIP = old.clusterIP;
      spec.clusterIPs ??= old.clusterIPs;
    }
    if ((spec.clusterIPs ?? []).length === 0 && spec.clusterIP === old.clusterIP)
      spec.clusterIPs = old.clusterIPs;
    spec.ipFamilies ??= old.ipFamilies;
    spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
  }
  if (needsNodePort(spec) && needsNodePort(old)) keepNodePorts(spec, old);
  if (needsHealthCheck(spec) && needsHealthCheck(old)) spec.healthCheckNodePort ||= old.healthCheckNodePort;
}

/** Ports are known by name: whoever renames one asks for a new node port. */
function keepNodePorts(spec: ServiceSpec, old: ServiceSpec): void {
  const used = new Set((spec.ports ?? []).map((port) => `${port.protocol}/${port.nodePort ?? 0}`));
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue;
    const before = old.ports?.find((p) => (p.name ?? '') === (port.name ?? ''));
    if (!before?.nodePort || used.has(`${port.protocol}/${before.nodePort}`)) continue;
    port.nodePort = before.nodePort;
    used.add(`${port.protocol}/${port.nodePort}`);
  }
}

/** Only what the user left as it was goes by itself; what they set anew is theirs to answer for. */
function dropWhatTypeNoLongerHas(spec: ServiceSpec, old: ServiceSpec): void {
  if (needsClusterIP(old) && !needsClusterIP(spec) && spec.clusterIP === old.clusterIP) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const)
      delete spec[field];
  }
  if (needsNodePort(old) && !needsNodePort(spec)) {
    const before = new Set((old.ports ?? []).map((port) => port.nodePort));
    for (const port of spec.ports ?? []) if (before.has(port.nodePort)) delete port.nodePort;
  }
  if (
    needsHealthCheck(old) &&
    !needsHealthCheck(spec) &&
    spec.healthCheckNodePort === old.healthCheckNodePort
  ) {
    delete spec.healthCheckNodePort;
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) {
    if (spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy;
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const) {
      if (spec[field] === old[field]) delete spec[field];
    }
  }
}

export function needsClusterIP(spec: ServiceSpec): boolean {
  return spec.type === 'ClusterIP' || spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

export function needsNodePort(spec: ServiceSpec): boolean {
  if (spec.type === 'NodePort') return true;
  return spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
}

export function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}
