/** Endpoints and EndpointSlices. */
import { isIP } from 'node:net';
import { duplicate, invalid, notSupported, required, tooMany } from '../field-errors.ts';
import type { EndpointAddress, Endpoints, EndpointSlice } from '../generated/types.ts';
import { dns1123LabelErrors } from '../names.ts';
import {
  because,
  dnsLabel,
  dnsSubdomain,
  type Errors,
  immutable,
  ipAddress,
  isSpecialIp,
  oneOf,
  portNumber,
  PROTOCOLS,
} from './checks.ts';

export function* validateEndpoints({ subsets }: Endpoints): Errors {
  for (const [index, { addresses = [], notReadyAddresses = [], ports = [] }] of (subsets ?? []).entries()) {
    const at = `subsets[${index}]`;
    if (addresses.length + notReadyAddresses.length === 0) {
      yield required(at, 'must specify `addresses` or `notReadyAddresses`');
    }
    for (const [i, address] of addresses.entries()) yield* validateAddress(address, `${at}.addresses[${i}]`);
    for (const [i, address] of notReadyAddresses.entries())
      yield* validateAddress(address, `${at}.notReadyAddresses[${i}]`);
    for (const [i, port] of ports.entries()) {
      if (port.name) yield* dnsLabel(`${at}.ports[${i}].name`, port.name);
      else if (ports.length > 1) yield required(`${at}.ports[${i}].name`);
      yield* portNumber(`${at}.ports[${i}].port`, port.port);
      yield* oneOf(`${at}.ports[${i}].protocol`, port.protocol, PROTOCOLS);
    }
  }
}

function* validateAddress(address: EndpointAddress, path: string): Errors {
  yield* ipAddress(`${path}.ip`, address.ip);
  if (address.hostname)
    yield* because(`${path}.hostname`, address.hostname, dns1123LabelErrors(address.hostname));
  if (address.nodeName) yield* dnsSubdomain(`${path}.nodeName`, address.nodeName);
  yield* reachable(address.ip, `${path}.ip`);
}

function* reachable(ip: string, path: string): Errors {
  if (isSpecialIp(ip)) yield invalid(path, ip, 'may not be in the unspecified, loopback or link-local range');
}

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;

export function* validateEndpointSlice(slice: EndpointSlice, old?: EndpointSlice): Errors {
  yield* oneOf('addressType', slice.addressType, ADDRESS_TYPES);
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > ENDPOINTS_MAX) yield tooMany('endpoints', endpoints.length, ENDPOINTS_MAX);
  for (const [index, { addresses = [], hostname, nodeName }] of endpoints.entries()) {
    const at = `endpoints[${index}]`;
    if (addresses.length === 0) yield required(`${at}.addresses`, 'must contain at least 1 address');
    if (addresses.length > ADDRESSES_MAX) yield tooMany(`${at}.addresses`, addresses.length, ADDRESSES_MAX);
    for (const [i, address] of addresses.entries()) {
      yield* validateTypedAddress(slice.addressType, address, `${at}.addresses[${i}]`);
    }
    if (hostname !== undefined) yield* dnsLabel(`${at}.hostname`, hostname);
    if (nodeName !== undefined) yield* dnsSubdomain(`${at}.nodeName`, nodeName);
  }
  yield* validateSlicePorts(slice);
  if (old !== undefined) yield* immutable('addressType', slice.addressType, old.addressType);
}

function* validateTypedAddress(type: string, address: string, path: string): Errors {
  if (type === 'FQDN') yield* dnsSubdomain(path, address);
  else {
    const family = type === 'IPv6' ? 6 : 4;
    if (isIP(address) !== family) yield invalid(path, address, `must be an ${type} address`);
    yield* reachable(address, path);
  }
}

function* validateSlicePorts({ ports }: EndpointSlice): Errors {
  if ((ports ?? []).length > PORTS_MAX) yield tooMany('ports', ports?.length ?? 0, PORTS_MAX);
  const names = new Set<string>();
  for (const [index, { name = '', port, protocol }] of (ports ?? []).entries()) {
    const at = `ports[${index}]`;
    if (name !== '') yield* dnsLabel(`${at}.name`, name);
    if (names.has(name)) yield duplicate(`${at}.name`, name);
    names.add(name);
    if (protocol === undefined) yield required(`${at}.protocol`);
    else if (!PROTOCOLS.includes(protocol)) yield notSupported(`${at}.protocol`, protocol, PROTOCOLS);
    if (port !== undefined) yield* portNumber(`${at}.port`, port);
  }
}
