import { type Binding, errors, type KubeObject, Pod, setCondition, successStatus } from '@kubelab/api';
import { rfc3339 } from '@kubelab/component-base';
import type { Outcome } from '../core/messages.ts';
import { bodyAs, isDryRun } from '../registry/body.ts';
import type { Call } from '../registry/call.ts';
import type { Registry } from '../registry/registry.ts';
import { served } from '../registry/lookup.ts';

/** POST pods/x/binding, or bindings: gives a pod its node, once. */
export async function bindPod(call: Call, { objects }: Registry): Promise<Outcome> {
  const binding = await bodyAs<Binding & KubeObject>(call, 'Binding');
  const name = call.resource.resource === 'pods' ? call.info.name : (binding.metadata?.name ?? '');
  const { kind, name: node } = binding.target ?? {};
  if ((kind && kind !== 'Node' && kind !== 'Minion') || !node) {
    const field = !node
      ? ({ type: 'FieldValueRequired', field: 'target.name' } as const)
      : ({
          type: 'FieldValueNotSupported',
          field: 'target.kind',
          badValue: kind,
          detail: 'supported values: "Node", "<empty>"',
        } as const);
    throw errors.invalid({ group: '', kind: 'Binding' }, name, [field]);
  }
  const dryRun = isDryRun(call.query.getAll('dryRun'));
  await objects.update(served(Pod), `${call.info.namespace}/${name}`, (current) => {
    if (current === undefined) throw errors.notFound(Pod, name);
    const pod = current.copy() as Pod;
    checkBindable(pod, binding, node);
    pod.spec.nodeName = node;
    if (binding.metadata?.annotations)
      pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations };
    if (pod.metadata.generation !== undefined) pod.metadata.generation += 1;
    const condition = { type: 'PodScheduled', status: 'True' };
    pod.status = {
      ...pod.status,
      conditions: setCondition(pod.status?.conditions, condition, rfc3339(objects.clock.now())),
    };
    return dryRun ? { type: 'none' } : { type: 'put', object: pod };
  });
  return { kind: 'object', code: 201, object: successStatus(undefined, 201) };
}

function checkBindable(pod: Pod, binding: Binding & KubeObject, node: string): void {
  const { name, uid, deletionTimestamp } = pod.metadata;
  const target = { group: '', resource: 'pods/binding' };
  if (binding.metadata?.uid && binding.metadata.uid !== uid) {
    throw errors.conflict(
      target,
      name,
      `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${uid}`,
    );
  }
  if (
    binding.metadata?.resourceVersion &&
    binding.metadata.resourceVersion !== pod.metadata.resourceVersion
  ) {
    throw errors.conflict(target, name);
  }
  if (deletionTimestamp !== undefined)
    throw errors.conflict(target, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) {
    throw errors.conflict(target, name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  }
  if ((pod.spec.schedulingGates ?? []).length > 0) {
    throw errors.conflict(
      target,
      name,
      `pod ${name} has non-empty .spec.schedulingGates, cannot be assigned to ${node}`,
    );
  }
}
