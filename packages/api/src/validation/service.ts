import { isIP } from 'node:net';
import { isExternallyAccessible } from '../defaults/service.ts';
import { duplicate, forbidden, invalid, required } from '../field-errors.ts';
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { needsClusterIP, needsHealthCheck } from '../strategies/service.ts';
import {
  cidr,
  dnsLabel,
  dnsSubdomain,
  type Errors,
  immutable,
  ipAddress,
  isSpecialIp,
  oneOf,
  optionalOneOf,
  portNumber,
  portNumberOrName,
  PROTOCOLS,
  qualifiedName,
} from './checks.ts';
import { validateLabels } from './labels.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const AFFINITY_SECONDS_MAX = 86_400;
const TRAFFIC = ['Cluster', 'Local'];

export function* validateService({ spec }: Service, old?: Service): Errors {
  const isHeadless = spec.clusterIP === 'None';
  if ((spec.ports ?? []).length === 0 && !isHeadless && spec.type !== 'ExternalName')
    yield required('spec.ports');
  yield* validateType(spec, isHeadless);
  yield* validatePorts(spec);
  yield* validateLabels(spec.selector, 'spec.selector');
  yield* validateAffinity(spec);
  yield* validateClusterIPs(spec);
  for (const [index, ip] of (spec.externalIPs ?? []).entries())
    yield* validateExternalIp(ip, `spec.externalIPs[${index}]`);
  yield* oneOf('spec.type', spec.type, TYPES);
  yield* validateLoadBalancer(spec);
  yield* validateTraffic(spec);
  if (old !== undefined) yield* validateServiceUpdate(spec, old.spec);
}

function* validateType(spec: ServiceSpec, isHeadless: boolean): Errors {
  if (isHeadless && (spec.type === 'LoadBalancer' || spec.type === 'NodePort')) {
    yield invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`);
  }
  if (spec.type !== 'ExternalName') return;
  for (const field of ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'] as const) {
    const value = spec[field];
    if (value !== undefined && value.length > 0)
      yield forbidden(`spec.${field}`, 'may not be set for ExternalName services');
  }
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') yield required('spec.externalName');
  else yield* dnsSubdomain('spec.externalName', name);
}

function* validatePorts(spec: ServiceSpec): Errors {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries())
    yield* validatePort(port, ports.length > 1, names, `spec.ports[${index}]`);
  const [nodePorts, pairs] = [new Set<string>(), new Set<string>()];
  for (const [index, { port, nodePort, protocol }] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    if (nodePort) {
      if (spec.type === 'ClusterIP')
        yield forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'");
      if (nodePorts.has(`${protocol}/${nodePort}`)) yield duplicate(`${at}.nodePort`, nodePort);
      nodePorts.add(`${protocol}/${nodePort}`);
    }
    if (pairs.has(`${protocol}/${port}`)) yield duplicate(at, { port, protocol });
    pairs.add(`${protocol}/${port}`);
  }
}

function* validatePort(port: ServicePort, isNameNeeded: boolean, names: Set<string>, path: string): Errors {
  if (port.name) {
    yield* dnsLabel(`${path}.name`, port.name);
    if (names.has(port.name)) yield duplicate(`${path}.name`, port.name);
    names.add(port.name);
  } else if (isNameNeeded) yield required(`${path}.name`);
  yield* portNumber(`${path}.port`, port.port);
  yield* oneOf(`${path}.protocol`, port.protocol, PROTOCOLS);
  yield* portNumberOrName(`${path}.targetPort`, port.targetPort);
  if (port.appProtocol !== undefined) yield* qualifiedName(`${path}.appProtocol`, port.appProtocol);
}

function* validateAffinity(spec: ServiceSpec): Errors {
  yield* oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const path = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined) {
    yield forbidden(path, 'must not be set when session affinity is None');
  }
  if (spec.sessionAffinity !== 'ClientIP') return;
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) yield required(path, 'when session affinity type is ClientIP');
  else if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX) {
    const why = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`;
    yield invalid(`${path}.clientIP.timeoutSeconds`, seconds, why);
  }
}

function* validateClusterIPs(spec: ServiceSpec): Errors {
  if (!needsClusterIP(spec)) return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  if (clusterIPs.length > 0 && clusterIP === '') {
    yield required('spec.clusterIP', 'must be set when `clusterIPs` is set');
  } else if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    yield invalid('spec.clusterIPs[0]', clusterIPs[0], 'first value must match `clusterIP`');
  }
  if (clusterIP !== '' && clusterIP !== 'None' && clusterIPs.length === 0)
    yield* ipAddress('spec.clusterIP', clusterIP);
  if (clusterIPs.length > 1 && clusterIPs.includes('None'))
    yield invalid('spec.clusterIPs[0]', clusterIPs[0], "'None' must be the first and only value");
  if (clusterIPs.length > 2) yield invalid('spec.clusterIPs', clusterIPs, 'may only hold up to 2 values');
  for (const [index, ip] of clusterIPs.entries()) {
    if (ip === 'None') continue;
    yield* ipAddress(`spec.clusterIPs[${index}]`, ip);
    const family = ipFamilies[index];
    const actual = isIP(ip) === 6 ? 'IPv6' : 'IPv4';
    if (family !== undefined && isIP(ip) !== 0 && family !== actual) {
      yield invalid(
        `spec.clusterIPs[${index}]`,
        ip,
        `expected an ${family} value as indicated by \`ipFamilies[${index}]\``,
      );
    }
  }
  for (const [index, family] of ipFamilies.entries()) {
    yield* oneOf(`spec.ipFamilies[${index}]`, family, ['IPv4', 'IPv6']);
    if (ipFamilies.indexOf(family) !== index) yield duplicate(`spec.ipFamilies[${index}]`, family);
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  yield* optionalOneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies);
}

function* validateExternalIp(ip: string, path: string): Errors {
  yield* ipAddress(path, ip);
  if (isSpecialIp(ip))
    yield invalid(path, ip, 'may not be unspecified, loopback, link-local or link-local multicast');
}

function* validateLoadBalancer(spec: ServiceSpec): Errors {
  const isBalancer = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (!isBalancer) {
    const why = "may only be used when `type` is 'LoadBalancer'";
    if (ranges.length > 0) yield forbidden('spec.LoadBalancerSourceRanges', why);
    if (spec.allocateLoadBalancerNodePorts !== undefined)
      yield forbidden('spec.allocateLoadBalancerNodePorts', why);
    if (spec.loadBalancerClass !== undefined) yield forbidden('spec.loadBalancerClass', why);
  }
  for (const [index, range] of ranges.entries())
    yield* cidr(`spec.LoadBalancerSourceRanges[${index}]`, range.trim());
  if (isBalancer && spec.loadBalancerClass !== undefined)
    yield* qualifiedName('spec.loadBalancerClass', spec.loadBalancerClass);
}

function* validateTraffic(spec: ServiceSpec): Errors {
  const external = spec.externalTrafficPolicy;
  if (isExternallyAccessible(spec)) yield* oneOf('spec.externalTrafficPolicy', external, TRAFFIC);
  else if (external) {
    yield invalid(
      'spec.externalTrafficPolicy',
      external,
      'may only be set for externally-accessible services',
    );
  }
  if (spec.healthCheckNodePort && !needsHealthCheck(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    yield invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, why);
  }
  if (needsClusterIP(spec)) yield* oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, TRAFFIC);
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
  yield* optionalOneOf('spec.trafficDistribution', spec.trafficDistribution, distributions);
}

/** Addresses stay while the service has any; only becoming or ceasing to be a name changes them. */
function* validateServiceUpdate(spec: ServiceSpec, old: ServiceSpec): Errors {
  if (needsClusterIP(spec) && needsClusterIP(old)) {
    const before = old.clusterIPs?.[0] ?? old.clusterIP;
    const after = spec.clusterIPs?.[0] ?? spec.clusterIP;
    if (before && before !== after) {
      const why = 'may not change once set';
      yield invalid('spec.clusterIPs[0]', spec.clusterIPs ?? [after ?? ''], why);
    }
    const family = old.ipFamilies?.[0];
    if (family !== undefined && spec.ipFamilies?.[0] !== family) {
      yield invalid('spec.ipFamilies[0]', spec.ipFamilies ?? [], 'may not change once set');
    }
  }
  if (
    needsHealthCheck(spec) &&
    needsHealthCheck(old) &&
    spec.healthCheckNodePort !== old.healthCheckNodePort
  ) {
    yield forbidden('spec.healthCheckNodePort', 'field is immutable');
  }
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer') {
    for (const error of immutable('spec.loadBalancerClass', spec.loadBalancerClass, old.loadBalancerClass)) {
      yield { ...error, detail: 'may not change once set' };
    }
  }
}
