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

const loaded = new Map<string, Proto>();

/** Loads `proto/<name>.proto`, once per process. */
export function loadProto(name: string): Proto {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const proto = protoOf(loadRoot(name));
  loaded.set(name, proto);
  return proto;
}

/** `keepCase`: fields by the file's own names (`range_end`) instead of `rangeEnd`. */
export function loadRoot(name: string, options: { readonly keepCase?: boolean } = {}): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => PROTO_FOLDER + target;
  root.loadSync(`${name}.proto`, { keepCase: options.keepCase === true }).resolveAll();
  return root;
}

function protoOf(root: protobuf.Root): Proto {
  const keyValue = root.lookup('mvccpb.KeyValue');
  if (keyValue instanceof protobuf.Type) acceptWireForm(keyValue);
  const codecs = new Map<string, Codec<unknown>>();
  const codec = (type: protobuf.Type): Codec<unknown> => {
    const known = codecs.get(type.fullName);
    if (known !== undefined) return known;
    eachMessage(type, new Set(), useWireDefaults);
    const made = codecOf<unknown>(type);
    codecs.set(type.fullName, made);
    return made;
  };
  return {
    // The name decides the type; callers state the interface that mirrors it.
    message: <T>(name: string) => codec(root.lookupType(name)) as Codec<T>,
    service: (name) => serviceDefinition(root.lookupService(name), codec),
  };
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
