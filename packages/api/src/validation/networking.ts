/** Ingresses and network policies. */
import { isIP } from 'node:net';
import { forbidden, invalid, required } from '../field-errors.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../generated/types.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import {
  because,
  cidr,
  dnsSubdomain,
  type Errors,
  immutable,
  oneOf,
  optionalOneOf,
  portNumber,
  portNumberOrName,
  PROTOCOLS,
} from './checks.ts';
import { validateLabelSelector } from './labels.ts';

export function* validateIngress({ spec }: Ingress): Errors {
  const { rules = [], defaultBackend, tls = [] } = spec ?? {};
  if (rules.length === 0 && defaultBackend === undefined) {
    yield invalid('spec', rules, 'either `defaultBackend` or `rules` must be specified');
  }
  if (defaultBackend !== undefined) yield* validateBackend(defaultBackend, 'spec.defaultBackend');
  for (const [index, { host, http }] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    if (host) yield* validateHost(host, `${at}.host`);
    if (http === undefined) continue;
    if ((http.paths ?? []).length === 0) yield required(`${at}.http.paths`);
    for (const [i, path] of (http.paths ?? []).entries()) yield* validatePath(path, `${at}.http.paths[${i}]`);
  }
  for (const [index, { hosts = [] }] of tls.entries()) {
    for (const [i, host] of hosts.entries()) yield* validateHostName(host, `spec.tls[${index}].hosts[${i}]`);
  }
  if (spec?.ingressClassName !== undefined)
    yield* dnsSubdomain('spec.ingressClassName', spec.ingressClassName);
}

function* validateHost(host: string, path: string): Errors {
  if (isIP(host) !== 0) yield invalid(path, host, 'must be a DNS name, not an IP address');
  else yield* validateHostName(host, path);
}

/** `*.example.com` stands for one label. */
function* validateHostName(host: string, path: string): Errors {
  yield* because(path, host, dns1123SubdomainErrors(host.startsWith('*.') ? host.slice(2) : host));
}

function* validatePath(entry: HTTPIngressPath, path: string): Errors {
  if (!entry.pathType) yield required(`${path}.pathType`, 'pathType must be specified');
  else yield* oneOf(`${path}.pathType`, entry.pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  const isStrict = entry.pathType === 'Exact' || entry.pathType === 'Prefix';
  if (isStrict || entry.path) {
    if (!entry.path?.startsWith('/'))
      yield invalid(`${path}.path`, entry.path ?? '', 'must be an absolute path');
    for (const bad of ['//', '/./', '/../', '%2f', '%2F']) {
      if (isStrict && entry.path?.includes(bad))
        yield invalid(`${path}.path`, entry.path, `must not contain '${bad}'`);
    }
  }
  yield* validateBackend(entry.backend ?? {}, `${path}.backend`);
}

function* validateBackend(backend: IngressBackend, path: string): Errors {
  const { service, resource } = backend;
  if (service !== undefined && resource !== undefined) {
    yield invalid(path, '', 'cannot set both resource and service backends');
  } else if (resource !== undefined) {
    if (!resource.kind) yield required(`${path}.resource.kind`);
    if (!resource.name) yield required(`${path}.resource.name`);
  } else if (service !== undefined) {
    if (!service.name) yield required(`${path}.service.name`);
    else yield* because(`${path}.service.name`, service.name, dns1035LabelErrors(service.name));
    const { name, number } = service.port ?? {};
    if (name && number) yield invalid(path, '', 'cannot set both port name & port number');
    else if (name) yield* portNumberOrName(`${path}.service.port.name`, name);
    else if (number) yield* portNumber(`${path}.service.port.number`, number);
    else yield required(path, 'port name or number is required');
  } else yield required(path, 'service or resource backend is required');
}

export function* validateIngressClass({ spec }: IngressClass, old?: IngressClass): Errors {
  if (!spec?.controller) yield required('spec.controller');
  if (old !== undefined) yield* immutable('spec.controller', spec?.controller, old.spec?.controller);
}

export function* validateNetworkPolicy({ spec }: NetworkPolicy): Errors {
  if (spec === undefined) return;
  yield* validateLabelSelector(spec.podSelector, 'spec.podSelector');
  for (const [index, { ports, from }] of (spec.ingress ?? []).entries()) {
    yield* validatePolicyRule(ports ?? [], from ?? [], 'from', `spec.ingress[${index}]`);
  }
  for (const [index, { ports, to }] of (spec.egress ?? []).entries()) {
    yield* validatePolicyRule(ports ?? [], to ?? [], 'to', `spec.egress[${index}]`);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) yield invalid('spec.policyTypes', types, 'may not specify more than two policyTypes');
  for (const [index, type] of types.entries())
    yield* oneOf(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress']);
}

function* validatePolicyRule(
  ports: readonly NetworkPolicyPort[],
  peers: readonly NetworkPolicyPeer[],
  peersField: string,
  path: string,
): Errors {
  for (const [index, { protocol, port, endPort }] of ports.entries()) {
    const at = `${path}.ports[${index}]`;
    yield* optionalOneOf(`${at}.protocol`, protocol, PROTOCOLS);
    if (port !== undefined) yield* portNumberOrName(`${at}.port`, port);
    if (endPort === undefined) continue;
    if (typeof port !== 'number') yield required(`${at}.port`, 'must be specified');
    else if (endPort < port)
      yield invalid(`${at}.endPort`, endPort, 'must be greater than or equal to `port`');
  }
  for (const [index, peer] of peers.entries()) yield* validatePeer(peer, `${path}.${peersField}[${index}]`);
}

function* validatePeer(peer: NetworkPolicyPeer, path: string): Errors {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  if (podSelector !== undefined) yield* validateLabelSelector(podSelector, `${path}.podSelector`);
  if (namespaceSelector !== undefined)
    yield* validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`);
  if (ipBlock !== undefined) {
    if (!ipBlock.cidr) yield required(`${path}.ipBlock.cidr`);
    else yield* cidr(`${path}.ipBlock.cidr`, ipBlock.cidr);
    for (const [index, range] of (ipBlock.except ?? []).entries())
      yield* cidr(`${path}.ipBlock.except[${index}]`, range);
    if (podSelector !== undefined || namespaceSelector !== undefined) {
      yield forbidden(path, 'may not specify both ipBlock and another peer');
    }
  } else if (podSelector === undefined && namespaceSelector === undefined)
    yield required(path, 'must specify a peer');
}
