/** Defaults every pod spec gets, be it a pod's own or a template's. */
import type { PodSpec, PodTemplateSpec } from '../generated/types.ts';
import { defaultContainer } from './container.ts';
import { canonicalizeRequirements, canonicalizeResources } from './quantities.ts';
import { defaultVolume } from './volume.ts';

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  // kubectl debug reads it without asking whether it is there.
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  mirrorServiceAccount(spec);
  for (const container of allContainers(spec)) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  canonicalizeRequirements(spec.resources);
  canonicalizeResources(spec.overhead);
  if (spec.hostNetwork === true) defaultHostPorts(spec);
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are always written. */
export function mirrorServiceAccount(spec: PodSpec): void {
  spec.serviceAccountName ||= spec.serviceAccount;
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else {
    delete spec.serviceAccountName;
    delete spec.serviceAccount;
  }
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template === undefined) return;
  template.spec ??= { containers: [] };
  defaultPodSpec(template.spec);
}

export function allContainers(spec: PodSpec) {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

/** On the host's network a container's port is the host's port. */
function defaultHostPorts(spec: PodSpec): void {
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}
