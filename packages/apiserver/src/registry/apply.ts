import { errors, isStatus, type KubeObject } from '@kubelab/api';
import { type ApplyOptions, applyServerSide } from '@kubelab/api/server';
import { rfc3339 } from '@kubelab/component-base';
import type { Outcome } from '../core/messages.ts';
import { isTrue } from '../core/request-info.ts';
import { checkUnknown, fieldManagerOf, isDryRun, withMetadata } from './body.ts';
import { type Call, keyOfCall } from './call.ts';
import { checkPlace, storeNew } from './create.ts';
import type { Registry } from './registry.ts';
import { replace } from './replace.ts';

const ATTEMPTS_MAX = 5;

/** Server-side apply: changes what is there, creates what is not. */
export async function applyObject(call: Call, registry: Registry, patch: unknown): Promise<Outcome> {
  const options: ApplyOptions = {
    manager: call.query.get('fieldManager') ? fieldManagerOf(call) : '',
    force: isTrue(call.query.get('force')),
    subresource: call.subresource?.name ?? '',
    nowText: rfc3339(registry.objects.clock.now()),
  };
  const applied = (live: KubeObject | undefined): KubeObject => {
    const decoded = applyServerSide(call.resource, live, structuredClone(patch), options);
    checkUnknown(call, decoded);
    const object = withMetadata(decoded.object);
    object.metadata.name ||= call.info.name;
    if (object.metadata.name !== call.info.name) {
      throw errors.badRequest(
        `the name of the object (${object.metadata.name}) does not match the name on the URL (${call.info.name})`,
      );
    }
    checkPlace(call, object);
    return object;
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await replace(call, registry, (old) => applied(old), 'applied');
    } catch (error) {
      if (!isStatus(error, 'NotFound') || call.subresource !== undefined || attempt > ATTEMPTS_MAX)
        throw error;
      if (registry.objects.of(call.resource).get(keyOfCall(call)) !== undefined) continue;
    }
    try {
      await call.mayAlso('create');
      const object = applied(undefined);
      if (object.metadata.resourceVersion) throw errors.conflict(call.resource, call.info.name);
      const entry = await storeNew(call, registry, object, isDryRun(call.query.getAll('dryRun')));
      return { kind: 'entry', code: 201, entry };
    } catch (error) {
      // Somebody else was first: then it is a change after all.
      if (!isStatus(error, 'AlreadyExists') || attempt > ATTEMPTS_MAX) throw error;
    }
  }
}
