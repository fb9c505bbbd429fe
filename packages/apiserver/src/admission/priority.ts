import { errors, type Pod, PriorityClass } from '@kubelab/api';
import type { Lookup } from '../registry/lookup.ts';
import { type AdmissionPlugin, type Attributes, isCore } from './plugin.ts';

/** Turns a pod's priority class into its number, and keeps default classes to one. */
export function priorityAdmission(lookup: Lookup): AdmissionPlugin {
  return {
    name: 'Priority',
    async admit(attributes) {
      if (!isCore(attributes, 'pods') || attributes.subresource !== '' || attributes.object === undefined)
        return;
      if (attributes.operation === 'UPDATE') keepPriority(attributes);
      else await setPriority(attributes, lookup);
    },
    validate(attributes) {
      const { resource, object, operation } = attributes;
      const isClass = resource.group === 'scheduling.k8s.io' && resource.resource === 'priorityclasses';
      if (!isClass || operation === 'DELETE') return;
      const wanted: PriorityClass | undefined = object;
      if (wanted?.globalDefault !== true) return;
      const other = defaultClass(lookup);
      if (other === undefined || other.metadata.name === attributes.name) return;
      throw errors.forbidden(
        resource,
        attributes.name,
        `PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`,
      );
    },
  };
}

function keepPriority({ object, old }: Attributes): void {
  const { spec } = object as Pod;
  const before = (old as Pod | undefined)?.spec;
  if (spec.priority === undefined && before?.priority !== undefined) spec.priority = before.priority;
  if (spec.preemptionPolicy === undefined && before?.preemptionPolicy !== undefined)
    spec.preemptionPolicy = before.preemptionPolicy;
}

async function setPriority({ object, resource, name }: Attributes, lookup: Lookup): Promise<void> {
  const { spec } = object as Pod;
  const found = spec.priorityClassName
    ? await lookup.fresh(PriorityClass, spec.priorityClassName)
    : defaultClass(lookup);
  if (spec.priorityClassName && found === undefined) {
    throw errors.forbidden(resource, name, `no PriorityClass with name ${spec.priorityClassName} was found`);
  }
  if (found !== undefined) spec.priorityClassName = found.metadata.name;
  const priority = found?.value ?? 0;
  const preemptionPolicy = found?.preemptionPolicy ?? 'PreemptLowerPriority';
  if (spec.priority !== undefined && spec.priority !== priority) {
    throw notComputed('integer value of priority', spec.priority, priority);
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy) {
    throw notComputed('string value of PreemptionPolicy', spec.preemptionPolicy, preemptionPolicy);
  }
  spec.priority = priority;
  spec.preemptionPolicy = preemptionPolicy;

  function notComputed(what: string, given: number | string, computed: number | string): Error {
    const refused = `the ${what} (${given}) must not be provided in pod spec`;
    const why = `priority admission controller computed ${computed} from the given PriorityClass name`;
    return errors.forbidden(resource, name, `${refused}; ${why}`);
  }
}

/** Of several (they may have been made at once) the lowest counts. */
function defaultClass(lookup: Lookup): PriorityClass | undefined {
  return lookup
    .list(PriorityClass)
    .filter(({ globalDefault }) => globalDefault === true)
    .toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}
