import { errors } from '@kubelab/api';
import type { Outcome } from '../core/messages.ts';
import type { Call } from './call.ts';
import { createObject } from './create.ts';
import { deleteCollection, deleteObject } from './delete.ts';
import { getObject, listObjects } from './read.ts';
import type { Registry } from './registry.ts';
import { patchObject, updateObject } from './update.ts';
import { watchObjects } from './watch.ts';

/** Answers one verb on one subresource, or on a resource that is never stored. */
export type Handler = (call: Call) => Promise<Outcome>;
/** By `resource.group/subresource` (or `resource.group` for virtual ones), then by verb. */
export type Handlers = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

const ON_COLLECTION = new Set(['create']);
/** A field selector gives these a name without a path. */
const MAY_SELECT = new Set(['list', 'watch', 'deletecollection']);

/** Finds who answers a call: a handler of its own, or the verbs of stored resources. */
export class Dispatcher {
  readonly #registry: Registry;
  readonly #special: Handlers;

  constructor(registry: Registry, special: Handlers) {
    this.#registry = registry;
    this.#special = special;
  }

  dispatch(call: Call): Promise<Outcome> {
    const { resource, subresource, info } = call;
    const special = this.#special[handlerKey(call)];
    if (special !== undefined) {
      const handler = special[info.verb];
      if (handler === undefined) throw errors.methodNotAllowed(resource, info.verb);
      return handler(call);
    }
    const verbs = subresource === undefined ? resource.verbs : subresource.verbs;
    // Nothing is created at the address of one object, or changed at that of all.
    const isMisplaced =
      subresource === undefined &&
      (info.name === '') !== ON_COLLECTION.has(info.verb) &&
      !MAY_SELECT.has(info.verb);
    if (isMisplaced) throw errors.methodNotAllowed(resource, info.verb);
    if (!resource.isStored || !verbs.includes(info.verb)) throw errors.methodNotAllowed(resource, info.verb);
    return this.#stored(call);
  }

  async #stored(call: Call): Promise<Outcome> {
    const registry = this.#registry;
    switch (call.info.verb) {
      case 'get':
        return { kind: 'entry', code: 200, entry: await getObject(call, registry.objects) };
      case 'list':
        return listObjects(call, registry.objects);
      case 'watch':
        return watchObjects(call, registry.objects);
      case 'create':
        return createObject(call, registry);
      case 'update':
        return updateObject(call, registry);
      case 'patch':
        return patchObject(call, registry);
      case 'delete':
        return deleteObject(call, registry);
      case 'deletecollection':
        return deleteCollection(call, registry);
      default:
        throw errors.methodNotAllowed(call.resource, call.info.verb);
    }
  }
}

function handlerKey({ resource, subresource }: Call): string {
  const name = resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`;
  return subresource === undefined ? name : `${name}/${subresource.name}`;
}
