import { fileURLToPath } from 'node:url';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { must } from '@kubelab/component-base';
import protobuf from 'protobufjs';
import { acceptWireForm, type Codec, codecOf, useWireDefaults } from './wire.ts';

const PROTO_FOLDER = fileURLToPath(new URL('../../../proto/', import.meta.url));

/** A `.proto` file with what it imports, ready for use. */
export interface Proto {
  /** The codec of a message by its full name: `mvccpb.KeyValue`. */
  message<T>(name: string): Codec<T>;
  /** What grpc-js needs to serve or call a service by its full name: `etcdserverpb.KV`. */
  service(name: string): ServiceDefinition;
}

/** Of all files that were loaded: what several of them import is there once. */
const root = newRoot();
const loaded = new Map<string, Proto>();
const codecs = new Map<protobuf.Type, Codec<unknown>>();
/** Types that know our forms of their fields. */
const prepared = new Set<protobuf.Type>();

/** Loads `proto/<name>.proto`, once per process. */
export function loadProto(name: string): Proto {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  root.loadSync(`${name}.proto`).resolveAll();
  const proto: Proto = {
    // The name decides the type; callers state the interface that mirrors it.
    message: <T>(message: string) => codecFor(root.lookupType(message)) as Codec<T>,
    service: (service) => serviceDefinition(root.lookupService(service), codecFor),
  };
  loaded.set(name, proto);
  return proto;
}

/** A root of its own, with fields by the file's own names (`range_end`) instead of `rangeEnd`. */
export function loadRoot(name: string): protobuf.Root {
  const own = newRoot().loadSync(`${name}.proto`, { keepCase: true });
  own.resolveAll();
  return own;
}

function newRoot(): protobuf.Root {
  const made = new protobuf.Root();
  made.resolvePath = (_origin, target) => PROTO_FOLDER + target;
  return made;
}

function codecFor(type: protobuf.Type): Codec<unknown> {
  const known = codecs.get(type);
  if (known !== undefined) return known;
  eachMessage(type, new Set(), prepare);
  const made = codecOf<unknown>(type);
  codecs.set(type, made);
  return made;
}

function prepare(type: protobuf.Type): void {
  if (prepared.has(type)) return;
  prepared.add(type);
  useWireDefaults(type);
  if (type.fullName === '.mvccpb.KeyValue') acceptWireForm(type);
}

function eachMessage(
  type: protobuf.Type,
  seen: Set<protobuf.Type>,
  visit: (type: protobuf.Type) => void,
): void {
  if (seen.has(type)) return;
  seen.add(type);
  visit(type);
  for (const field of type.fieldsArray) {
    const { resolvedType } = field.resolve();
    if (resolvedType instanceof protobuf.Type) eachMessage(resolvedType, seen, visit);
  }
}

function serviceDefinition(
  service: protobuf.Service,
  codec: (type: protobuf.Type) => Codec<unknown>,
): ServiceDefinition {
  const methods: [string, ServiceDefinition[string]][] = service.methodsArray.map((method) => {
    method.resolve();
    const request = codec(must(method.resolvedRequestType, `request type of ${method.fullName}`));
    const response = codec(must(method.resolvedResponseType, `response type of ${method.fullName}`));
    return [
      method.name,
      {
        path: `/${service.fullName.slice(1)}/${method.name}`,
        requestStream: method.requestStream === true,
        responseStream: method.responseStream === true,
        requestSerialize: request.encode,
        requestDeserialize: request.decode,
        responseSerialize: response.encode,
        responseFrame: response.encodeFrame,
        responseDeserialize: response.decode,
        originalName: method.name.charAt(0).toLowerCase() + method.name.slice(1),
      },
    ];
  });
  return Object.fromEntries(methods);
}
